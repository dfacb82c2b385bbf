import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from api_server import FLUX, InProcess, generation, image_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specrun.catalog.load import load_catalog
from specrun.catalog.models import Catalog
from specrun.catalog.schema import ModelSchema
from specrun.server.app import create_app
from specrun.server.settings import Settings

MODELS = list(load_catalog().models.values())
CUTE_CAT = {"model": FLUX, "prompt": "draw a cute cat"}

# The smallest PNG that there is, near enough: one red pixel.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"


def least(model: ModelSchema) -> dict[str, Any]:
    """Return the shortest body that a model takes."""
    body: dict[str, Any] = {"model": model.id, "prompt": "a lamp"}
    for name in model.required:
        if name in model.inputs:
            body[name] = [PIXEL] if model.properties[name]["type"] == "array" else PIXEL
    return body


def error_of(reply: httpx.Response) -> dict[str, str]:
    error = reply.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    assert error["param"] == reply.headers["x-request-id"]
    assert isinstance(error, dict)
    return error


def picture(sandbox: InProcess, body: dict[str, Any]) -> bytes:
    reply = sandbox.generate(body | {"response_format": "b64_json"})
    assert reply.status_code == 200, reply.text
    return base64.b64decode(reply.json()["data"][0]["b64_json"])


def test_the_shortest_request_gets_a_url_where_the_picture_is(sandbox: InProcess) -> None:
    reply = sandbox.generate(CUTE_CAT)
    assert reply.status_code == 200
    answer = reply.json()
    assert set(answer) == {"created", "data", "usage"}
    assert answer["usage"] == {"input_tokens_details": {}}
    (item,) = answer["data"]
    assert set(item) == {"url"}
    found = sandbox.get(item["url"])
    assert found.headers["content-type"] == "image/png"
    assert image_of(found.content).size == (1024, 1024)


def test_url_and_base64_hold_the_same_bytes(sandbox: InProcess) -> None:
    seeded = CUTE_CAT | {"seed": 3, "size": "256x256"}
    url = sandbox.generate(seeded).json()["data"][0]["url"]
    assert sandbox.get(url).content == picture(sandbox, seeded)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_every_model_answers_its_shortest_request(sandbox: InProcess, model: ModelSchema) -> None:
    assert image_of(picture(sandbox, least(model))).width >= 64


def bounds(*, taken: bool) -> Iterator[tuple[str, str, object]]:
    for model in MODELS:
        for name, schema in model.properties.items():
            step = 1 if schema.get("type") == "integer" else 0.001
            for keyword, sign in (("minimum", -1), ("maximum", 1)):
                if keyword in schema:
                    yield model.id, name, schema[keyword] + (0 if taken else sign * step)


@pytest.mark.parametrize(("model", "name", "value"), list(bounds(taken=True)))
def test_a_parameter_is_taken_at_its_bounds(
    sandbox: InProcess, catalog: Catalog, model: str, name: str, value: object
) -> None:
    reply = sandbox.generate(least(catalog.models[model]) | {name: value})
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(("model", "name", "value"), list(bounds(taken=False)))
def test_a_parameter_is_refused_beyond_its_bounds(
    sandbox: InProcess, catalog: Catalog, model: str, name: str, value: object
) -> None:
    reply = sandbox.generate(least(catalog.models[model]) | {name: value})
    assert reply.status_code == 400
    assert error_of(reply)["code"] == "param_error"
    assert name in error_of(reply)["message"]


def test_numbers_count_by_their_value(sandbox: InProcess) -> None:
    small = CUTE_CAT | {"size": "256x256"}
    assert picture(sandbox, small | {"seed": 5, "steps": 20}) == picture(sandbox, small | {"seed": 5.0, "steps": 2e1})


def test_without_a_seed_each_request_gets_one_of_its_own(sandbox: InProcess) -> None:
    small = CUTE_CAT | {"size": "256x256"}
    assert picture(sandbox, small) != picture(sandbox, small)
    assert picture(sandbox, small | {"seed": -1}) != picture(sandbox, small | {"seed": -1})


def test_several_images_are_several_pictures(sandbox: InProcess) -> None:
    reply = sandbox.generate(CUTE_CAT | {"n": 4, "seed": 1, "size": "256x256", "response_format": "b64_json"})
    assert len({item["b64_json"] for item in reply.json()["data"]}) == 4


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"prompt": "x"}, "model is missing"),
        ({"model": 3, "prompt": "x"}, "model is not a text"),
        ({"model": "black-forest-labs/FLUX-1-dev", "prompt": "x"}, f'did you mean "{FLUX}"?'),
        ({"model": FLUX}, f"{FLUX} requires prompt"),
        ({"model": FLUX, "prompt": "x", "stpes": 3}, 'no parameter stpes (did you mean "steps"?)'),
        ({"model": FLUX, "prompt": "x", "n": 1000}, "at most 100 images"),
        ([], "not a JSON object"),
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"model": "\xff"}', "not JSON"),
        (b'{"seed": NaN}', "NaN is no JSON number"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"seed": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"model": "%b", "prompt": "\\ud800"}' % FLUX.encode(), "prompt"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_with_the_requests_id(sandbox: InProcess, body: Any, said: str) -> None:
    reply = sandbox.generate(body)
    assert reply.status_code == 400
    assert said in error_of(reply)["message"]
    assert error_of(reply)["type"] == "invalid_request_error"


def test_all_faults_of_a_request_are_told_at_once(sandbox: InProcess) -> None:
    message = error_of(sandbox.generate({"model": FLUX, "size": "9x9", "steps": 0, "guidance_scale": "high"}))[
        "message"
    ]
    assert all(name in message for name in ("prompt", "size", "steps", "guidance_scale"))


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_only_json_is_read(sandbox: InProcess, content_type: str) -> None:
    reply = sandbox.generate(CUTE_CAT, content_type=content_type)
    assert reply.status_code == 415
    assert error_of(reply)["code"] == "unsupported_media_type"


def test_a_body_over_the_limit_is_refused(catalog: Catalog) -> None:
    sandbox = InProcess(create_app(catalog, settings=Settings(body_bytes=1000)))
    reply = sandbox.generate(CUTE_CAT | {"prompt": "x" * 1000})
    assert reply.status_code == 413
    assert error_of(reply)["code"] == "body_too_large"


def test_unknown_paths_and_methods_are_errors_of_the_same_form(sandbox: InProcess) -> None:
    assert error_of(sandbox.get("/v1/nothing"))["code"] == "not_found"
    wrong = sandbox.get("/v1/images/generations")
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "POST"
    assert error_of(wrong)["code"] == "method_not_allowed"


def test_requests_beyond_the_queue_are_told_to_come_back(catalog: Catalog) -> None:
    sandbox = InProcess(create_app(catalog, settings=Settings(running=1, waiting=1)))
    replies = sandbox(*(generation(CUTE_CAT | {"seed": seed, "size": "256x256"}) for seed in range(6)))
    statuses = sorted(reply.status_code for reply in replies)
    assert statuses == [200, 200, 429, 429, 429, 429]
    turned_away = next(reply for reply in replies if reply.status_code == 429)
    assert int(turned_away.headers["retry-after"]) >= 1
    assert error_of(turned_away)["type"] == "rate_limit"


@pytest.mark.parametrize("body", [{"model": "\ud800"}, CUTE_CAT | {"\ud800": 1}, CUTE_CAT | {"size": "\ud800"}])
def test_a_half_surrogate_pair_in_a_request_is_an_error_of_the_request(
    sandbox: InProcess, body: dict[str, Any]
) -> None:
    reply = sandbox.generate(body)
    assert reply.status_code == 400
    assert error_of(reply)["type"] == "invalid_request_error"


def test_making_images_may_take_only_so_long(catalog: Catalog) -> None:
    sandbox = InProcess(create_app(catalog, settings=Settings(engine_seconds=0.001)))
    reply = sandbox.generate(CUTE_CAT)
    assert reply.status_code == 504
    assert error_of(reply)["type"] == "gateway_timeout_error"


def test_a_failure_of_the_engine_is_an_error_of_the_same_form(catalog: Catalog) -> None:
    class Failing:
        name = "failing"

        def fault(self, request: object) -> None:
            return None

        async def images(self, request: object) -> list[bytes]:
            raise RuntimeError("no more paper")

        async def aclose(self) -> None:
            return None

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(catalog, Failing()), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.send(generation(CUTE_CAT))

    reply = asyncio.run(ask())
    assert reply.status_code == 500
    assert error_of(reply)["type"] == "internal_error"
    assert "paper" not in reply.text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.fixed_dictionaries(
        {"model": st.sampled_from([model.id for model in MODELS])},
        optional=dict.fromkeys(
            ("prompt", "image", "images", "n", "size", "steps", "seed", "strength", "aspect_ratio"), json_values
        ),
    )
)
def test_no_body_makes_the_server_fail(sandbox: InProcess, body: dict[str, Any]) -> None:
    assert sandbox.generate(body).status_code in (200, 400)

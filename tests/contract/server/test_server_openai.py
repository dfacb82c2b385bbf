"""The official client of the API that the seed's is modelled on."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from api_server import FLUX, Start, image_of

from specrun.catalog.load import load_catalog
from specrun.catalog.schema import ModelSchema

MODELS = list(load_catalog().models.values())
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"


def client_of(url: str, key: str = "none") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai.OpenAI]:
    start = Start(tmp_path_factory.mktemp("server"))
    with client_of(start().url) as client:
        yield client
    start.stop()


def extra(model: ModelSchema) -> dict[str, Any]:
    """Return a value for each parameter that the client does not know."""
    body = {name: schema["default"] for name, schema in model.properties.items() if "default" in schema}
    body |= {name: [PIXEL] if model.properties[name]["type"] == "array" else PIXEL for name in model.inputs}
    return {name: value for name, value in body.items() if name not in ("n", "size", "response_format")}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
@pytest.mark.parametrize("form", ["url", "b64_json"])
def test_every_model_makes_images_in_both_forms(client: openai.OpenAI, model: ModelSchema, form: Any) -> None:
    answer = client.images.generate(model=model.id, prompt="a lamp", response_format=form, extra_body=extra(model))
    assert answer.created > 1_700_000_000
    assert answer.data is not None
    (item,) = answer.data
    if form == "b64_json":
        assert item.b64_json is not None
        data = base64.b64decode(item.b64_json)
    else:
        assert item.url is not None
        data = client.with_options().get(item.url, cast_to=openai.HttpxBinaryResponseContent).content
    assert image_of(data).width >= 64


def test_n_and_size_are_the_clients_own_parameters(client: openai.OpenAI) -> None:
    answer = client.images.generate(model=FLUX, prompt="x", n=3, size="512x512", response_format="b64_json")
    assert answer.data is not None
    assert [image_of(base64.b64decode(item.b64_json or "")).size for item in answer.data] == [(512, 512)] * 3


def test_models_are_listed_and_retrieved(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [model.id for model in MODELS]
    assert client.models.retrieve(FLUX).owned_by == "black-forest-labs"


def test_each_error_is_the_clients_own_exception(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as bad:
        client.images.generate(model=FLUX, prompt="x", extra_body={"steps": 0})
    assert bad.value.code == "param_error"
    assert bad.value.type == "invalid_request_error"
    assert bad.value.param == bad.value.request_id
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody/nothing")
    keyed = {"Idempotency-Key": "k.1"}
    client.images.generate(model=FLUX, prompt="x", size="256x256", extra_headers=keyed)
    with pytest.raises(openai.ConflictError):
        client.images.generate(model=FLUX, prompt="y", size="256x256", extra_headers=keyed)


def test_a_wrong_key_is_an_authentication_error(start: Start) -> None:
    url = start("--api-key-env", "SPECRUN_TEST_KEY", env={"SPECRUN_TEST_KEY": "right"}).url
    with client_of(url, "wrong") as client, pytest.raises(openai.AuthenticationError):
        client.models.list()
    with client_of(url, "right") as client:
        assert client.models.list().data


def test_a_rate_limit_and_a_failure_are_errors_of_their_own(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "trouble.yaml"
    path.write_text("- {trouble: 500, match: {prompt: fail}}\n- {trouble: 403, match: {prompt: no}}\n", "utf-8")
    url = start("--rate-limit", "3", "--chaos", str(path)).url
    with client_of(url) as client:
        for prompt, error in (("fail", openai.InternalServerError), ("no", openai.PermissionDeniedError)):
            with pytest.raises(error):
                client.images.generate(model=FLUX, prompt=prompt)
        client.images.generate(model=FLUX, prompt="x", size="256x256")
        with pytest.raises(openai.RateLimitError) as limited:
            client.images.generate(model=FLUX, prompt="x", size="256x256")
    assert int(limited.value.response.headers["retry-after"]) > 0


def test_the_clients_own_retries_are_not_billed_twice(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "trouble.yaml"
    path.write_text("- {trouble: lost-reply, times: 1}\n", "utf-8")
    url = start("--chaos", str(path)).url
    with client_of(url).with_options(max_retries=2) as client:
        client.images.generate(model=FLUX, prompt="x", size="256x256", extra_headers={"Idempotency-Key": "k.1"})
        health = client.get(f"{url}/healthz", cast_to=openai.HttpxBinaryResponseContent)
    assert b'"billed_images":1' in health.content

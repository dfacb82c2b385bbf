"""The sixteen shipped models against what their documents say, parameter by parameter."""

import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from specrun.catalog.load import load_catalog
from specrun.catalog.shipped import FORMATS, SHIPPED, format_path, model_files
from specrun.catalog.validate import faults, property_faults
from specrun.model.inputs import FileImage, OutputImage, UrlImage
from specrun.model.run import Price

CATALOG = load_catalog()

# Parameter -> values that are taken, bounds among them, and values that are not.
Domain = tuple[tuple[Any, ...], tuple[Any, ...]]
NOT_NUMBERS: tuple[Any, ...] = ("1", None, True, [1], {}, "{{ 1 }}", math.nan, math.inf, -math.inf)
TEXT: Domain = (("x", "猫", "a\nb", "{{ 1 }}"), (1, None, True, ["x"], {}))
COUNT: Domain = ((1, 2, 1000, 4.0), (0, -1, 1.5, 10**5000, *NOT_NUMBERS))
FOUR: Domain = ((1, 4, 4.0), (0, 5, 3.5, *NOT_NUMBERS))
TO_FIFTY: Domain = ((1, 20, 50), (0, 51, 20.5, *NOT_NUMBERS))
TO_TEN: Domain = ((1, 1.0, 2.5, 10), (0, 0.999, 10.001, 12, *NOT_NUMBERS))
TO_TWENTY: Domain = ((1, 2.5, 20), (0.999, 20.001, *NOT_NUMBERS))
SHARE: Domain = ((0, 0.0, 0.8, 1), (-0.001, 1.001, *NOT_NUMBERS))
SEED: Domain = ((-1, 0, 2147483647), (-2, 2147483648, 0.5, *NOT_NUMBERS))
FORMAT: Domain = (("url", "b64_json"), ("png", "URL", "", None, 1))
RATIO: Domain = (
    ("1:1", "16:9", "21:9", "1:100"),
    ("0:1", "1:0", "16x9", "16:9 ", "16:9\n", "-1:2", "1.5:1", "01:1", "1:", ":1", "", 969, None),
)
LISTED_RATIO: Domain = (
    ("21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21"),
    ("16:10", "1:2", "", 1, None),
)
# Digits of other scripts are digits to Python only.
ARABIC_THREE_HUNDRED = "\u0663\u0660\u0660"
SIZE: Domain = (
    ("256x256", "1536x1536", "256x1536", "1024x1024"),
    (
        "255x256",
        "256x255",
        "1537x1536",
        "1536x1537",
        "1024X1024",
        "1024*1024",
        "1024x1024\n",
        " 1024x1024",
        "0256x256",
        "10240x1024",
        "1024x",
        "x1024",
        "",
        "2K",
        f"{ARABIC_THREE_HUNDRED}x300",
        1024,
        None,
    ),
)
IMAGE: Domain = (("https://example.com/a.png", "data:image/png;base64,AAAA", "AAAA"), ("", 1, None, [], ["a"]))
IMAGES: Domain = ((["a"], ["a", "b"], ["a"] * 20), ([], [""], [1], "a", None, {}))

SEED_EDITION: dict[str, dict[str, Domain]] = {
    "black-forest-labs/FLUX.1-dev": {"n": COUNT, "image": IMAGE, "size": SIZE, "strength": SHARE, "steps": COUNT},
    "black-forest-labs/Flux-Kontext-Max": {"image": IMAGE},
    "black-forest-labs/Flux-Kontext-Max-multi": {"images": IMAGES},
    "black-forest-labs/Flux-Kontext-Max-text2image": {"n": COUNT, "aspect_ratio": RATIO},
    "black-forest-labs/Flux-Kontext-Pro": {"image": IMAGE},
    "black-forest-labs/Flux-Kontext-Pro-multi": {"images": IMAGES},
    "black-forest-labs/Flux-Kontext-Pro-text2image": {"n": COUNT, "aspect_ratio": RATIO},
    "stepfun-ai/Step1X-Edit": {"image": IMAGE, "steps": COUNT, "negative_prompt": TEXT},
}
CURRENT_EDITION: dict[str, dict[str, Domain]] = {
    "black-forest-labs/flux.1-dev": {"image": IMAGE, "size": SIZE, "strength": SHARE},
    "black-forest-labs/flux-kontext-max": {"image": IMAGE, "strength": SHARE},
    "black-forest-labs/flux-kontext-max/multi": {"images": IMAGES, "aspect_ratio": RATIO},
    "black-forest-labs/flux-kontext-max/text-to-image": {"aspect_ratio": LISTED_RATIO},
    "black-forest-labs/flux-kontext-pro": {"image": IMAGE, "strength": SHARE, "guidance_scale": TO_TWENTY},
    "black-forest-labs/flux-kontext-pro/multi": {"images": IMAGES, "aspect_ratio": RATIO},
    "black-forest-labs/flux-kontext-pro/text-to-image": {"aspect_ratio": LISTED_RATIO},
    "stepfun-ai/step1x-edit": {"image": IMAGE, "strength": SHARE},
}
COMMON: dict[str, Domain] = {"prompt": TEXT, "guidance_scale": TO_TEN, "seed": SEED, "response_format": FORMAT}
CURRENT: dict[str, Domain] = {"n": FOUR, "steps": TO_FIFTY, "negative_prompt": TEXT}
DOMAINS = {
    **{id_: COMMON | own for id_, own in SEED_EDITION.items()},
    **{id_: COMMON | CURRENT | own for id_, own in CURRENT_EDITION.items()},
}
REQUIRED = {
    "black-forest-labs/Flux-Kontext-Max": "image",
    "black-forest-labs/Flux-Kontext-Pro": "image",
    "black-forest-labs/Flux-Kontext-Max-multi": "images",
    "black-forest-labs/Flux-Kontext-Pro-multi": "images",
    "black-forest-labs/flux-kontext-max": "image",
    "black-forest-labs/flux-kontext-pro": "image",
    "black-forest-labs/flux-kontext-max/multi": "images",
    "black-forest-labs/flux-kontext-pro/multi": "images",
    "stepfun-ai/step1x-edit": "image",
}
DEFAULTS = {
    "n": 1,
    "size": "1024x1024",
    "aspect_ratio": "1:1",
    "strength": 0.8,
    "steps": 28,
    "guidance_scale": 2.5,
    "seed": -1,
    "response_format": "url",
}
FREE = {id_: 10 if id_ == "black-forest-labs/FLUX.1-dev" else 5 for id_ in SEED_EDITION}
DOCUMENTS = [json.loads(path.read_text("utf-8")) for path in model_files(SHIPPED)]


def price_of(id_: str) -> str:
    folded = id_.casefold()
    return "0.30" if "step1x" in folded else "0.10" if "flux.1" in folded else "0.70" if "-max" in folded else "0.35"


def cases(*, taken: bool) -> list[Any]:
    return [
        pytest.param(id_, name, good if taken else bad, id=f"{id_}-{name}")
        for id_, domains in DOMAINS.items()
        for name, (good, bad) in domains.items()
    ]


def body_of(id_: str, **parameters: Any) -> dict[str, Any]:
    needed = {"image": "https://example.com/a.png", "images": ["https://example.com/a.png"]}
    required = {REQUIRED[id_]: needed[REQUIRED[id_]]} if id_ in REQUIRED else {}
    return {"prompt": "a cat"} | required | parameters


def test_the_catalogue_holds_the_eight_models_of_each_edition() -> None:
    assert list(CATALOG.models) == sorted(DOMAINS)


@pytest.mark.parametrize("id_", DOMAINS)
def test_a_model_has_exactly_the_documented_parameters_defaults_and_requirements(id_: str) -> None:
    model = CATALOG.models[id_]
    steps = 20 if id_ in CURRENT_EDITION else 28
    assert set(model.properties) == set(DOMAINS[id_])
    assert model.defaults == {
        name: value for name, value in (DEFAULTS | {"steps": steps}).items() if name in DOMAINS[id_]
    }
    assert model.required == ("prompt", *([REQUIRED[id_]] if id_ in REQUIRED else []))
    assert model.closed
    assert model.separable
    assert model.has_seed


@pytest.mark.parametrize("id_", DOMAINS)
def test_a_model_says_its_price_quota_inputs_and_source(id_: str) -> None:
    facts = CATALOG.models[id_].facts
    assert facts.price == Price(amount=Decimal(price_of(id_)), currency="CNY")
    assert facts.free_quota == FREE.get(id_)
    assert set(facts.inputs) == {"image", "images"} & set(DOMAINS[id_])
    assert facts.modes
    assert facts.media_type == "image/png"
    assert facts.source is not None
    assert facts.source.date == ("2025-06-23" if id_ in SEED_EDITION else "2026-05")


@pytest.mark.parametrize(("id_", "name", "values"), cases(taken=True))
def test_a_parameter_is_taken_up_to_its_bounds(id_: str, name: str, values: tuple[Any, ...]) -> None:
    model = CATALOG.models[id_]
    for value in values:
        assert property_faults(model, name, value) == ()
        assert faults(model, body_of(id_, **{name: value})) == ()


@pytest.mark.parametrize(("id_", "name", "values"), cases(taken=False))
def test_a_parameter_is_refused_beyond_its_bounds_by_name_with_a_fix(
    id_: str, name: str, values: tuple[Any, ...]
) -> None:
    model = CATALOG.models[id_]
    for value in values:
        found = property_faults(model, name, value)
        assert found == faults(model, body_of(id_, **{name: value})), value
        assert len(found) == 1, value
        assert found[0].path[0] == name
        assert name in found[0].detail
        assert id_ in found[0].detail
        assert found[0].hint


@pytest.mark.parametrize("id_", ["black-forest-labs/FLUX.1-dev", "black-forest-labs/flux.1-dev"])
def test_each_side_of_a_size_is_from_256_to_1536_pixels(id_: str) -> None:
    model = CATALOG.models[id_]
    for size in ("{}x512", "512x{}"):
        taken = [side for side in range(2_000) if not property_faults(model, "size", size.format(side))]
        assert taken == list(range(256, 1537))


@pytest.mark.parametrize("id_", DOMAINS)
def test_an_empty_prompt_is_refused(id_: str) -> None:
    assert [fault.path for fault in property_faults(CATALOG.models[id_], "prompt", "")] == [("prompt",)]


@pytest.mark.parametrize("id_", DOMAINS)
def test_a_parameter_of_another_model_is_refused_by_every_way_of_asking(id_: str) -> None:
    model = CATALOG.models[id_]
    everything = {name for domains in DOMAINS.values() for name in domains}
    for name in everything - set(DOMAINS[id_]):
        by_body = faults(model, body_of(id_, **{name: 1}))
        assert [(fault.path, fault.summary) for fault in by_body] == [((name,), "unknown parameter")]
        assert property_faults(model, name, 1) == by_body


@pytest.mark.parametrize("id_", DOMAINS)
def test_each_required_parameter_is_missed_where_it_is_absent(id_: str) -> None:
    model = CATALOG.models[id_]
    found = faults(model, {})
    assert [(fault.path, fault.summary) for fault in found] == [
        ((name,), "missing parameter") for name in model.required
    ]


@pytest.mark.parametrize("id_", DOMAINS)
def test_references_to_images_stand_where_images_are_taken_and_nowhere_else(id_: str) -> None:
    model = CATALOG.models[id_]
    file = FileImage(path="a.png", digest="sha256:" + "0" * 64)
    for image in (file, UrlImage(url="https://example.com/a.png"), OutputImage(address="a", key=None, index=1)):
        for name in model.properties:
            one, several = property_faults(model, name, image), property_faults(model, name, (image, image))
            assert bool(one) is (name != "image"), name
            assert bool(several) is (name != "images"), name


def test_the_files_of_models_collide_on_no_disk_and_need_no_quotes_in_a_shell() -> None:
    names = [path.name for path in SHIPPED.iterdir()]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(name.replace("-", "").replace(".", "").isalnum() for name in names)


@pytest.mark.parametrize("path", model_files(SHIPPED), ids=lambda path: path.name)
def test_a_model_schema_is_valid_and_explains_itself_to_people(path: Path) -> None:
    schema = json.loads(path.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]
    assert schema["description"].endswith(".")
    for name, declared in schema["properties"].items():
        assert declared["title"], name
        assert declared["description"].endswith("."), name
        validator = Draft202012Validator(declared)
        for value in (*declared.get("examples", ()), *([declared["default"]] if "default" in declared else [])):
            validator.validate(value)
        assert name == "model" or declared["examples"], name


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_format_has_a_valid_schema(name: str) -> None:
    Draft202012Validator.check_schema(json.loads(format_path(name).read_text("utf-8")))


def test_the_hole_in_the_source_document_is_explained_where_it_matters() -> None:
    edit = CATALOG.models["stepfun-ai/Step1X-Edit"]
    assert "not required" in edit.properties["image"]["description"]
    assert "image" not in edit.required


def test_a_model_is_found_by_its_exact_id_only() -> None:
    found = CATALOG.find("black-forest-labs/FLUX.1-dev")
    assert found is not None
    assert found.id == "black-forest-labs/FLUX.1-dev"
    assert CATALOG.find("black-forest-labs/Flux.1-Dev") is None


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("FLUX.1-dev", "black-forest-labs/FLUX.1-dev"),
        ("flux.1-dev", "black-forest-labs/flux.1-dev"),
        ("black-forest-labs/Flux-Kontext-Pr", "black-forest-labs/Flux-Kontext-Pro"),
        ("Black-Forest-Labs/flux-kontext-max-text-to-image", "black-forest-labs/flux-kontext-max/text-to-image"),
        ("step1x", "stepfun-ai/step1x-edit"),
    ],
)
def test_the_nearest_model_to_a_slip_is_the_one_meant(name: str, near: str) -> None:
    assert CATALOG.nearest(name)[0] == near


def test_nothing_is_near_to_a_name_of_something_else() -> None:
    assert CATALOG.nearest("gpt-image-1") == ()


def test_the_models_that_take_a_parameter_are_known() -> None:
    assert CATALOG.taking("size") == ("black-forest-labs/FLUX.1-dev", "black-forest-labs/flux.1-dev")
    assert CATALOG.taking("nothing") == ()

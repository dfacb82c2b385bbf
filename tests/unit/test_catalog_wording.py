"""What people read when a parameter is wrong."""

from pathlib import Path
from typing import Any

import pytest

from specrun.catalog.facts import Facts
from specrun.catalog.load import load_catalog
from specrun.catalog.schema import ModelSchema
from specrun.catalog.validate import faults, property_faults
from specrun.model.inputs import FileImage

CATALOG = load_catalog()
FLUX = "black-forest-labs/FLUX.1-dev"
MULTI = "black-forest-labs/flux-kontext-max/multi"
TEXT = "black-forest-labs/flux-kontext-max/text-to-image"
FILE = FileImage(path="a.png", digest="sha256:" + "0" * 64)


def acme(properties: dict[str, Any], *, inputs: tuple[str, ...] = (), **keywords: Any) -> ModelSchema:
    schema = {"properties": {"model": {"const": "acme/one"}, **properties}, **keywords}
    return ModelSchema(id="acme/one", path=Path("acme.json"), schema=schema, facts=Facts(inputs=inputs))


@pytest.mark.parametrize(
    ("model", "name", "value", "summary", "detail", "hint"),
    [
        (FLUX, "guidance_scale", 12, "value out of range", "is 12; {} takes 1 to 10", "use a number from 1 to 10"),
        (FLUX, "steps", 0, "value out of range", "is 0; {} takes 1 or more", "use a whole number of 1 or more"),
        (TEXT, "n", 5, "value out of range", "is 5; {} takes 1 to 4", "use a whole number from 1 to 4"),
        (
            FLUX,
            "steps",
            "28",
            "wrong type",
            'is the text "28"; {} takes a whole number of 1 or more',
            'write 28 without quotes; a template gives a number by "{{ … | int }}"',
        ),
        (
            FLUX,
            "guidance_scale",
            " 7.5 ",
            "wrong type",
            'is the text " 7.5 "; {} takes a number from 1 to 10',
            'write 7.5 without quotes; a template gives a number by "{{ … | float }}"',
        ),
        (
            FLUX,
            "guidance_scale",
            "high",
            "wrong type",
            'is the text "high"; {} takes a number from 1 to 10',
            "use a number from 1 to 10",
        ),
        (
            FLUX,
            "strength",
            True,
            "wrong type",
            "is true; {} takes a number from 0 to 1",
            "use a number from 0 to 1",
        ),
        (
            FLUX,
            "steps",
            None,
            "wrong type",
            "is null; {} takes a whole number of 1 or more",
            "leave steps out to get 28",
        ),
        (FLUX, "image", None, "wrong type", "is null; {} takes an image", "leave image out"),
        (FLUX, "prompt", "", "wrong length", "is empty; {} takes text that is not empty", "use text that is not empty"),
        (
            FLUX,
            "prompt",
            FILE,
            "wrong type",
            "is an image; {} takes text that is not empty",
            "use text that is not empty",
        ),
        (
            FLUX,
            "size",
            "2048x2048",
            "value in the wrong form",
            'is "2048x2048"; {} takes width and height in pixels, written WIDTHxHEIGHT, both sides from 256 to 1536',
            'use text like "1024x1024", "1536x1024" or "768x1344"',
        ),
        (
            FLUX,
            "response_format",
            "png",
            "value not allowed",
            'is "png"; {} takes "url" or "b64_json"',
            'use "url" or "b64_json"',
        ),
        (
            FLUX,
            "response_format",
            "base64_json",
            "value not allowed",
            'is "base64_json"; {} takes "url" or "b64_json"',
            'did you mean "b64_json"?',
        ),
        (
            FLUX,
            "seed",
            10**400,
            "wrong type",
            "is an endless number; {} takes a whole number from -1 to 2147483647",
            "use a whole number from -1 to 2147483647",
        ),
        (
            FLUX,
            "guidance_scale",
            float("nan"),
            "value refused",
            "holds a value that JSON does not carry unchanged to {}",
            "use finite numbers, whole ones below 2^53, and text without broken characters",
        ),
        (
            MULTI,
            "images",
            "a.png",
            "wrong type",
            'is the text "a.png"; {} takes a list of at least 1 image',
            "write it as a list: images: [\"{{ file('photo.png') }}\"]",
        ),
        (
            MULTI,
            "images",
            [],
            "wrong length",
            "is empty; {} takes a list of at least 1 image",
            "use a list of at least 1 image",
        ),
        (
            FLUX,
            "image",
            (FILE, FILE),
            "wrong type",
            "is a list of 2; {} takes an image",
            "use \"{{ file('photo.png') }}\" or an https URL",
        ),
    ],
)
def test_a_wrong_value_is_named_with_what_is_taken_and_a_fix(
    model: str, name: str, value: Any, summary: str, detail: str, hint: str
) -> None:
    (fault,) = property_faults(CATALOG.models[model], name, value)
    assert (fault.summary, fault.detail, fault.hint) == (summary, f"{name} {detail.format(model)}", hint)


def test_an_item_of_a_list_is_counted_from_one_and_its_path_from_zero() -> None:
    (fault,) = property_faults(CATALOG.models[MULTI], "images", ["a", 3])
    assert fault.path == ("images", 1)
    assert fault.detail == f"item 2 of images is 3; {MULTI} takes an image"


def test_long_values_are_cut_and_control_characters_escaped() -> None:
    (fault,) = property_faults(CATALOG.models[FLUX], "size", "\x1b[31m" + "9" * 500)
    assert fault.detail.startswith('size is "\\u001b[31m999')
    assert len(fault.detail) < 250


def test_an_unknown_name_leads_to_the_nearest_or_to_all_there_are() -> None:
    body: dict[str, Any] = {"prompt": "x", "stepps": 3, "zoom": 1}
    assert [(fault.detail, fault.hint) for fault in faults(CATALOG.models[TEXT], body)] == [
        (f"{TEXT} has no parameter stepps", 'did you mean "steps"?'),
        (
            f"{TEXT} has no parameter zoom",
            "its parameters are prompt, n, aspect_ratio, steps, guidance_scale, negative_prompt, seed, response_format",
        ),
    ]


def test_a_missing_image_comes_with_the_line_to_add() -> None:
    (fault,) = faults(CATALOG.models[MULTI], {"prompt": "x"})
    assert (fault.detail, fault.hint) == (
        f"{MULTI} requires images",
        "add images: [\"{{ file('photo.png') }}\"]",
    )


def test_a_body_for_another_model_is_refused() -> None:
    (fault,) = faults(CATALOG.models[FLUX], {"prompt": "x", "model": "other"})
    assert fault.detail == f'model is "other"; {FLUX} takes "{FLUX}"'


@pytest.mark.parametrize(
    ("schema", "value", "detail"),
    [
        ({"type": "number", "exclusiveMinimum": 0}, 0, "x is 0; acme/one takes more than 0"),
        (
            {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
            1,
            "x is 1; acme/one takes 0 or more and less than 1",
        ),
        ({"type": "integer", "maximum": 9}, 10, "x is 10; acme/one takes 9 or less"),
        ({"type": "integer", "multipleOf": 8}, 12, "x is 12; acme/one takes a whole number, a multiple of 8"),
        ({"type": "boolean"}, "yes", 'x is the text "yes"; acme/one takes true or false'),
        ({"type": ["integer", "null"]}, "a", 'x is the text "a"; acme/one takes a whole number or null'),
        ({"type": "string", "maxLength": 3}, "abcd", 'x is "abcd"; acme/one takes text of at most 3 characters'),
        ({"type": "string", "minLength": 2, "maxLength": 3}, "a", 'x is "a"; acme/one takes text of 2 to 3 characters'),
        ({"type": "array", "minItems": 2, "maxItems": 2}, [1], "x is a list of 1; acme/one takes a list of 2 items"),
        ({"type": "string", "pattern": "^a+$"}, "b", 'x is "b"; acme/one takes text that matches ^a+$'),
        ({"const": 3}, 4, "x is 4; acme/one takes 3"),
        ({"enum": list(range(20))}, 99, "x is 99; acme/one takes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 8 more"),
        ({"enum": []}, 1, "x is 1; acme/one takes nothing"),
        (
            {"type": "array", "uniqueItems": True},
            [1, 1],
            "acme/one does not take x: its schema's uniqueItems is not met",
        ),
        ({"not": {"const": 1}}, 1, "acme/one does not take x: its schema rules it out"),
        (
            {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            5,
            "x is 5; acme/one takes text or a list of items",
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            ["a", 5],
            "item 2 of x is 5; acme/one takes text",
        ),
        (
            {"type": "object", "properties": {"y": {"type": "object", "required": ["z"]}}},
            {"y": {}},
            "acme/one does not take x.y: its schema's required is not met",
        ),
    ],
)
def test_the_rules_of_a_projects_own_schema_are_worded_too(schema: Any, value: Any, detail: str) -> None:
    assert [fault.detail for fault in faults(acme({"x": schema}), {"x": value})] == [detail]


def test_a_parameter_that_a_schema_forbids_is_named() -> None:
    (fault,) = property_faults(acme({"x": False}), "x", 1)
    assert fault.detail == "acme/one does not take x: its schema rules it out"


@pytest.mark.parametrize(
    ("keywords", "body", "detail"),
    [
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {}, "acme/one requires a or b"),
        (
            {"oneOf": [{"required": ["a"]}, {"required": ["b", "c"]}]},
            {"a": 1, "b": 1, "c": 1},
            "acme/one requires a or b with c, and only one of them",
        ),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "acme/one requires b"),
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"a": 1}, "acme/one requires b"),
        (
            {"unevaluatedProperties": False},
            {"prompt": "x"},
            "acme/one does not take these parameters together: its schema's unevaluatedProperties is not met",
        ),
        (
            {"maxProperties": 1},
            {"a": 1},
            "acme/one does not take these parameters together: its schema's maxProperties is not met",
        ),
    ],
)
def test_what_parameters_must_be_together_is_worded_too(keywords: Any, body: dict[str, Any], detail: str) -> None:
    model = acme({"a": {}, "b": {}, "c": {}}, **keywords)
    assert not model.separable
    assert [fault.detail for fault in faults(model, body)] == [detail]


def test_a_pattern_ends_where_the_text_ends_as_in_every_other_language() -> None:
    model = acme({"x": {"type": "string", "pattern": r"^[$]a\$$"}})
    assert faults(model, {"x": "$a$"}) == ()
    assert faults(model, {"x": "$a$\n"})

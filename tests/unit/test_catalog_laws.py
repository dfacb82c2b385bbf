"""Laws that hold for any schema and any value."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from specrun.canonical import NotCanonicalError, canonical
from specrun.catalog.facts import Facts
from specrun.catalog.load import load_catalog
from specrun.catalog.position import span_of
from specrun.catalog.schema import ModelSchema
from specrun.catalog.validate import faults, property_faults
from specrun.diagnostics import Source

MODELS = list(load_catalog().models.values())
ALPHABET = 'a1:x"\\/{}[],é猫🙂\n\r\t\x00\u2028'
NAMES = sorted({name for model in MODELS for name in model.properties})

numbers = (
    st.integers(-3, 60) | st.floats(allow_nan=False, allow_infinity=False, width=16) | st.integers(-(2**40), 2**40)
)
texts = (
    st.text(ALPHABET, max_size=8)
    | st.from_regex(r"[0-9]{1,4}[x:][0-9]{1,4}", fullmatch=True)
    | st.sampled_from(["url", "1:1"])
)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(ALPHABET, max_size=3), inner, max_size=2),
)
bodies = st.dictionaries(st.sampled_from([*NAMES, "zoom"]), values, max_size=6)
keys = st.text(ALPHABET, max_size=4)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | keys,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(MODELS), bodies)
@settings(max_examples=300)
def test_a_body_is_taken_exactly_where_json_schema_says_so(model: ModelSchema, body: dict[str, Any]) -> None:
    valid = Draft202012Validator(model.schema).is_valid({"model": model.id} | body)
    assert (faults(model, body) == ()) is valid


@given(st.sampled_from(MODELS), bodies)
@settings(max_examples=300)
def test_parameter_by_parameter_the_same_is_said_as_of_the_whole(model: ModelSchema, body: dict[str, Any]) -> None:
    assert model.separable
    by_value = [fault for name, value in body.items() for fault in property_faults(model, name, value)]
    missing = [fault for fault in faults(model, {}) if fault.path[0] not in body]
    assert {*by_value, *missing} == set(faults(model, body))


rules = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "integer", "number", "array", "object", "null", ["string", "boolean"]]),
        "minimum": numbers,
        "exclusiveMaximum": numbers,
        "multipleOf": st.integers(1, 9),
        "maxLength": st.integers(0, 3),
        "minItems": st.integers(0, 3),
        "uniqueItems": st.booleans(),
        "enum": st.lists(scalars, max_size=14),
        "const": scalars,
        "description": texts,
        "examples": st.lists(values, max_size=4),
    },
)
schemas = st.recursive(
    st.booleans() | rules,
    lambda inner: (
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"not": inner, "description": texts})
        | st.fixed_dictionaries({"items": inner, "minItems": st.integers(0, 2)})
        | st.fixed_dictionaries({"if": inner, "then": inner, "else": inner})
        | st.fixed_dictionaries({"properties": st.dictionaries(st.text(ALPHABET, max_size=3), inner, max_size=2)})
        | st.fixed_dictionaries({"additionalProperties": inner, "required": st.just(["a"])})
    ),
    max_leaves=6,
)


@given(schemas, values, st.booleans())
@settings(max_examples=400)
def test_whatever_a_project_schema_says_a_verdict_is_kept_and_worded(schema: Any, value: Any, takes: bool) -> None:
    whole = {"properties": {"model": {"const": "m"}, "x": schema}, "additionalProperties": False}
    model = ModelSchema(id="m", path=Path("m.json"), schema=whole, facts=Facts(inputs=("x",) if takes else ()))
    found = faults(model, {"x": value})
    assert (found == ()) is Draft202012Validator(whole).is_valid({"model": "m", "x": value})
    assert bool(property_faults(model, "x", value)) is bool(found)
    assert all(fault.detail and fault.hint for fault in found)


@given(documents, st.sampled_from([None, 0, 1, 2, "\t"]), st.data())
def test_a_value_is_found_where_it_stands_however_the_file_is_written(
    document: Any, indent: int | str | None, data: st.DataObject
) -> None:
    source = Source(name="a.json", text=json.dumps(document, indent=indent, ensure_ascii=data.draw(st.booleans())))
    path: list[str | int] = []
    value = document
    while isinstance(value, (dict, list)) and value and data.draw(st.booleans()):
        step = data.draw(st.sampled_from(sorted(value)) if isinstance(value, dict) else st.integers(0, len(value) - 1))
        path.append(step)
        value = value[step]
    span = span_of(source, tuple(path))
    found, _ = json.JSONDecoder().raw_decode("\n".join(source.text.split("\n")[span.line - 1 :])[span.column - 1 :])
    assert found == value
    assert span_of(source, (*path, "no such name")) == span


unruly = st.recursive(
    scalars
    | st.floats()
    | st.integers(-(2**60), 2**60)
    | st.sampled_from([10**400, -(10**400), 2**53, 2**53 - 1, "\ud800", "a\udfff", "🙂"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("a\ud800", max_size=2), inner, max_size=2),
    max_leaves=5,
)


@given(unruly)
def test_what_a_schema_leaves_open_is_taken_exactly_where_canonical_json_can_hold_it(value: Any) -> None:
    model = ModelSchema(id="m", path=Path("m.json"), schema={"properties": {"x": {}}}, facts=Facts())
    try:
        canonical(value)
        held = True
    except NotCanonicalError:
        held = False
    assert (property_faults(model, "x", value) == ()) is held

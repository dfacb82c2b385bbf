"""An error of JSON Schema becomes a fault that a person can act on."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import ValidationError
from jsonschema.exceptions import best_match

from specrun.catalog.fault import Fault, Kind
from specrun.catalog.names import missing_parameter, unknown_parameter
from specrun.catalog.schema import ModelSchema
from specrun.catalog.words import ImageText, allowed, bounds, either, likeness, show
from specrun.diagnostics import did_you_mean

_KINDS = {
    "type": Kind.TYPE,
    "anyOf": Kind.TYPE,
    "oneOf": Kind.TYPE,
    "enum": Kind.CHOICE,
    "const": Kind.CHOICE,
    "pattern": Kind.FORM,
    "format": Kind.FORM,
    "multipleOf": Kind.FORM,
    "minimum": Kind.RANGE,
    "maximum": Kind.RANGE,
    "exclusiveMinimum": Kind.RANGE,
    "exclusiveMaximum": Kind.RANGE,
    "minLength": Kind.LENGTH,
    "maxLength": Kind.LENGTH,
    "minItems": Kind.LENGTH,
    "maxItems": Kind.LENGTH,
}
_INTEGER = re.compile(r"\s*[+-]?[0-9]+\s*")
_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")


def explain(model: ModelSchema, error: ValidationError) -> Iterator[Fault]:
    """Yield the faults, at least one, that an error tells of; of alternatives the one that came nearest speaks."""
    nearest = best_match([error]) or error
    path = tuple(nearest.absolute_path)
    value: Any = nearest.instance
    rule: Any = nearest.validator_value
    match str(nearest.validator):
        case "required" if not path:
            yield from (missing_parameter(model, name) for name in rule if name not in value)
        case "dependentRequired" if not path:
            lacking = {name for present, needed in rule.items() if present in value for name in needed} - value.keys()
            yield from (missing_parameter(model, name) for name in sorted(lacking))
        case "additionalProperties" if nearest.schema is model.schema and model.closed:
            names = model.properties.keys() | {"model"}
            yield from (unknown_parameter(model, name) for name in value if name not in names)
        case keyword if keyword in _KINDS and path:
            yield _value_fault(model, path, value, nearest.schema, _KINDS[keyword])
        case "anyOf" | "oneOf" as keyword if all(set(_keywords(part)) == {"required"} for part in rule):
            yield _combination_fault(model, [part["required"] for part in rule], at_most_one=keyword == "oneOf")
        case keyword:
            yield _refused(model, path, keyword)


def _value_fault(model: ModelSchema, path: tuple[str | int, ...], value: Any, schema: Any, kind: Kind) -> Fault:
    image = path[0] in model.inputs
    phrase = allowed(schema, image=image)
    takes, hint, shown = phrase, "", show(value)
    match kind:
        case Kind.RANGE:
            takes = bounds(schema)
        case Kind.FORM:
            takes, hint = _meaning(schema) or phrase, likeness(schema) and f"use {likeness(schema)}"
        case Kind.CHOICE if isinstance(value, str):
            hint = did_you_mean(value, [choice for choice in schema.get("enum", ()) if isinstance(choice, str)])
        case Kind.LENGTH if not value:
            shown = "empty"
        case Kind.TYPE:
            hint = _type_hint(model, path, value, schema)
            if isinstance(value, str) and not isinstance(value, ImageText):
                shown = f"the text {shown}"
        case _:
            pass
    detail = f"{_place(path)} is {shown}; {model.id} takes {takes}"
    return Fault(path=path, kind=kind, detail=detail, hint=hint or f"use {phrase}")


def _type_hint(model: ModelSchema, path: tuple[str | int, ...], value: Any, schema: Any) -> str:
    name, image = path[0], path[0] in model.inputs
    types = _types(schema)
    if value is None and len(path) == 1 and name not in model.required:
        return f"leave {name} out" + (f" to get {show(model.defaults[str(name)])}" if name in model.defaults else "")
    if isinstance(value, str):
        number = "integer" in types and _INTEGER.fullmatch(value) and "int"
        number = number or ("number" in types and _NUMBER.fullmatch(value) and "float")
        if number:
            return f'write {value.strip()} without quotes; a template gives a number by "{{{{ … | {number} }}}}"'
    if image and "array" in types and not isinstance(value, (list, Mapping)):
        return f"write it as a list: {name}: [\"{{{{ file('photo.png') }}}}\"]"
    return "use \"{{ file('photo.png') }}\" or an https URL" if image and "string" in types else ""


def _combination_fault(model: ModelSchema, groups: list[list[str]], *, at_most_one: bool) -> Fault:
    wanted = either([" with ".join(group) for group in groups])
    only = ", and only one of them" if at_most_one else ""
    return Fault(path=(), kind=Kind.MISSING, detail=f"{model.id} requires {wanted}{only}", hint=f"give {wanted}{only}")


def _refused(model: ModelSchema, path: tuple[str | int, ...], keyword: str) -> Fault:
    """Word an error of a keyword that few schemas use by the keyword itself."""
    where = _place(path) if path else "these parameters together"
    # A schema that is `false` has no keyword to name.
    why = "its schema rules it out" if keyword in ("None", "not") else f"its schema's {keyword} is not met"
    detail = f"{model.id} does not take {where}: {why}"
    return Fault(path=path, kind=Kind.REFUSED, detail=detail, hint=f"read the schema: specrun schema {model.id}")


def _types(schema: Any) -> set[str]:
    """Return the JSON types that a schema names, those of its alternatives included."""
    if not isinstance(schema, Mapping):
        return set()
    types = schema.get("type", [])
    parts = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    return ({types} if isinstance(types, str) else set(types)).union(*map(_types, parts))


def _keywords(schema: Any) -> Mapping[str, Any]:
    return schema if isinstance(schema, Mapping) else {}


def _meaning(schema: Mapping[str, Any]) -> str:
    """Return the first sentence of the schema's description, to stand for a pattern that only machines read."""
    sentence = re.split(r"\.(?:\s|$)", str(schema.get("description", "")), maxsplit=1)[0]
    return sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() else sentence


def _place(path: tuple[str | int, ...]) -> str:
    *outer, last = path
    if not outer:
        return str(last)
    return f"item {last + 1} of {_place(tuple(outer))}" if isinstance(last, int) else f"{_place(tuple(outer))}.{last}"

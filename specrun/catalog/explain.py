"""An error of JSON Schema becomes a fault that a person can act on."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import ValidationError
from jsonschema.exceptions import best_match

from specrun.catalog.fault import Fault, Kind
from specrun.catalog.names import missing_parameter, unknown_parameter
from specrun.catalog.schema import ModelSchema
from specrun.catalog.words import ImageText, allowed, bounds, likeness, show
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
_LONGEST_MESSAGE = 200


def explain(model: ModelSchema, error: ValidationError) -> Iterator[Fault]:
    """Yield the faults that one error tells of; of alternatives the one that came nearest speaks."""
    nearest = best_match([error]) or error
    path, keyword, instance = tuple(nearest.absolute_path), str(nearest.validator), nearest.instance
    if keyword == "required" and not path and isinstance(instance, Mapping):
        yield from (missing_parameter(model, name) for name in model.required if name not in instance)
    elif keyword == "additionalProperties" and not path and model.closed and isinstance(instance, Mapping):
        names = model.properties.keys() | {"model"}
        yield from (unknown_parameter(model, name) for name in instance if name not in names)
    elif keyword in _KINDS and path:
        yield _value_fault(model, path, nearest)
    else:
        yield _refused(model, path, nearest.message)


def _value_fault(model: ModelSchema, path: tuple[str | int, ...], error: ValidationError) -> Fault:
    value: Any = error.instance
    schema: Any = error.schema
    kind = _KINDS[str(error.validator)]
    image = path[0] in model.inputs
    takes = hint = ""
    match kind:
        case Kind.RANGE:
            takes = bounds(schema)
        case Kind.FORM:
            takes, hint = _meaning(schema), likeness(schema) and f"use {likeness(schema)}"
        case Kind.CHOICE if isinstance(value, str):
            hint = did_you_mean(value, (choice for choice in schema.get("enum", ()) if isinstance(choice, str)))
        case Kind.TYPE:
            hint = _type_hint(model, path, value, _types(schema))
        case _:
            pass
    phrase = allowed(schema, image=image)
    shown = "empty" if kind is Kind.LENGTH and not value else show(value)
    if kind is Kind.TYPE and isinstance(value, str) and not isinstance(value, ImageText):
        shown = f"the text {shown}"
    detail = f"{_place(path)} is {shown}; {model.id} takes {takes or phrase}"
    return Fault(path=path, kind=kind, detail=detail, hint=hint or f"use {phrase}")


def _refused(model: ModelSchema, path: tuple[str | int, ...], message: str) -> Fault:
    """Word an error of a keyword whose meaning no fixed words would catch."""
    said = message if len(message) <= _LONGEST_MESSAGE else f"{message[: _LONGEST_MESSAGE - 1]}…"
    where = _place(path) if path else "this combination of parameters"
    detail = f"{model.id} does not take {where}: {said}"
    return Fault(path=path, kind=Kind.REFUSED, detail=detail, hint=f"see what it takes: specrun models {model.id}")


def _type_hint(model: ModelSchema, path: tuple[str | int, ...], value: Any, types: set[str]) -> str:
    name, image = path[0], path[0] in model.inputs
    if value is None and len(path) == 1 and name not in model.required:
        default = f"to get {show(model.defaults[str(name)])}" if name in model.defaults else "where it is not wanted"
        return f"leave {name} out {default}"
    if isinstance(value, str):
        if "integer" in types and _INTEGER.fullmatch(value):
            return f'write {value.strip()} without quotes; a template becomes a number by "{{{{ … | int }}}}"'
        if "number" in types and _NUMBER.fullmatch(value):
            return f'write {value.strip()} without quotes; a template becomes a number by "{{{{ … | float }}}}"'
        if "array" in types and image:
            return f"write it as a list: {name}: [\"{{{{ file('photo.png') }}}}\"]"
    if image and "string" in types:
        return "use \"{{ file('photo.png') }}\" or an https URL"
    return ""


def _types(schema: Mapping[str, Any]) -> set[str]:
    types = schema.get("type", [])
    return {types} if isinstance(types, str) else set(types)


def _meaning(schema: Mapping[str, Any]) -> str:
    """Return the first sentence of the schema's description, to stand for a pattern that only machines read."""
    sentence = re.split(r"\.(?:\s|$)", str(schema.get("description", "")), maxsplit=1)[0]
    return sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() else sentence


def _place(path: tuple[str | int, ...]) -> str:
    *outer, last = path
    if not outer:
        return str(last)
    return f"item {last + 1} of {_place(tuple(outer))}" if isinstance(last, int) else f"{_place(tuple(outer))}.{last}"

"""Whether a request is what its model takes, by JSON Schema, with the faults in words."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from referencing import Registry

from specrun.canonical import LARGEST_INTEGER, NotCanonicalError, canonical
from specrun.catalog.explain import explain
from specrun.catalog.fault import Fault, Kind
from specrun.catalog.names import unknown_parameter
from specrun.catalog.patterns import matches
from specrun.catalog.schema import ModelSchema
from specrun.catalog.words import ImageText, allowed
from specrun.model.inputs import FileImage, OutputImage, Param, UrlImage
from specrun.model.run import images_in

# What the wire would hold in an image's place, so that a schema's patterns and lengths have something to look at.
_IMAGE = ImageText("data:image/png;base64,AAAA")

# Whatever is larger every JSON library reads as infinity, and Python refuses to print it.
_LARGEST_BITS = 1024

_SURROGATE = re.compile("[\ud800-\udfff]")


def faults(model: ModelSchema, parameters: Mapping[str, Param]) -> tuple[Fault, ...]:
    """Return all that is wrong with a request's parameters as a whole, at most one fault a place.

    `parameters` may hold `model`, the id; images may be references. Empty means that the model takes the request.
    """
    body = {name: _wire(value) for name, value in parameters.items()}
    errors = _validator(model).iter_errors({"model": model.id} | body)
    return _gather(model, parameters, errors)


def property_faults(model: ModelSchema, name: str, value: Param) -> tuple[Fault, ...]:
    """Return all that is wrong with one parameter by itself, at most one fault a place.

    Where the model is `separable`, this says all that `faults` would, apart from parameters that are missing.
    """
    if name not in model.properties:
        return (unknown_parameter(model, name),) if model.closed else ()
    errors = _validator(model).descend(_wire(value), model.properties[name], path=name)
    return _gather(model, {name: value}, errors)


def _gather(
    model: ModelSchema, parameters: Mapping[str, Param], errors: Iterable[ValidationError]
) -> tuple[Fault, ...]:
    # A wrong type comes first: what else the schema says of the value means little then.
    ranked = sorted(errors, key=lambda error: error.validator != "type")
    found = [fault for error in ranked for fault in explain(model, error)]
    unique: dict[tuple[str | int, ...], Fault] = {}
    for fault in (*_misplaced_images(model, parameters), *found):
        unique.setdefault(fault.path, fault)
    return tuple(unique.values()) or tuple(_uncarried(model, parameters))


def _misplaced_images(model: ModelSchema, parameters: Mapping[str, Param]) -> Iterator[Fault]:
    """Yield a fault for each image where text is meant, which the stand-in for images would satisfy."""
    for name, value in parameters.items():
        if images_in(value) and name in model.properties and name not in model.inputs:
            phrase = allowed(model.properties[name])
            detail = f"{name} is an image; {model.id} takes {phrase}"
            yield Fault(path=(name,), kind=Kind.TYPE, detail=detail, hint=f"use {phrase}")


def _uncarried(model: ModelSchema, parameters: Mapping[str, Param]) -> Iterator[Fault]:
    """Yield a fault for each value that the schema allows and JSON cannot carry unchanged, such as NaN."""
    for name, value in parameters.items():
        if not _carried(_wire(value)):
            detail = f"{name} holds a value that JSON does not carry unchanged to {model.id}"
            hint = "use finite numbers, whole ones below 2^53, and text without broken characters"
            yield Fault(path=(name,), kind=Kind.REFUSED, detail=detail, hint=hint)


def _carried(value: Any) -> bool:
    """Whether canonical JSON holds the value, without the cost of writing it: images may be many megabytes of text."""
    match value:
        case str():
            return value.isascii() or not _SURROGATE.search(value)
        case float():
            return math.isfinite(value)
        case int():
            return abs(value) <= LARGEST_INTEGER
        case list():
            return all(map(_carried, value))
        case Mapping():
            return all(isinstance(name, str) and _carried(name) and _carried(item) for name, item in value.items())
        case _:
            return True


def _wire(value: Param) -> Any:
    """Return a parameter as JSON Schema wants to see it."""
    match value:
        case FileImage() | UrlImage() | OutputImage():
            return _IMAGE
        case tuple() | list():
            return [_wire(item) for item in value]
        case Mapping():
            return {name: _wire(item) for name, item in value.items()}
        case int() if value.bit_length() > _LARGEST_BITS:
            return math.inf if value > 0 else -math.inf
        case _:
            return value


@cache
def _validator(model: ModelSchema) -> Draft202012Validator:
    # No registry of documents to fetch: a schema that refers elsewhere was refused when it was loaded.
    return JsonSchema(model.schema, registry=Registry())


def _pattern(validator: Draft202012Validator, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not matches(pattern, instance):
        yield ValidationError(f"does not match {pattern}")


def _pattern_properties(
    validator: Draft202012Validator, patterns: Mapping[str, Any], instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if validator.is_type(instance, "object"):
        for pattern, schema in patterns.items():
            for name, value in instance.items():
                if matches(pattern, name):
                    yield from validator.descend(value, schema, path=name, schema_path=pattern)


def _additional_properties(
    validator: Draft202012Validator, additional: Any, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    declared, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extra = [name for name in instance if name not in declared and not any(matches(each, name) for each in patterns)]
    if validator.is_type(additional, "object"):
        for name in extra:
            yield from validator.descend(instance[name], additional, path=name)
    elif not additional and extra:
        yield ValidationError(f"has {', '.join(map(str, extra))} too many")


def _unique_items(
    validator: Draft202012Validator, unique: Any, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    # The library compares each item with each.
    if unique and validator.is_type(instance, "array") and len(set(map(_told_apart, instance))) < len(instance):
        yield ValidationError("has items that are the same")


def _told_apart(value: Any) -> str:
    try:
        return canonical(value)
    except NotCanonicalError:
        return repr(value)


# What the library would match by Python's own engine, or at a cost that grows with the square.
JsonSchema: type[Draft202012Validator] = extend(  # type: ignore[no-untyped-call] # its stubs leave it untyped
    Draft202012Validator,
    {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    },
)

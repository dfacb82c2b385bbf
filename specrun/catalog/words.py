"""Values and what a schema allows, in words."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_SHOWN_CHARACTERS = 60
_SHOWN_CHOICES = 12
_NOUNS = {"boolean": "true or false", "null": "null", "object": "a mapping"}


class ImageText(str):
    """Text that stands for an image which the plan holds as a reference."""

    __slots__ = ()


def show(value: Any) -> str:
    """Return a JSON value as a short phrase that fits after "is"."""
    match value:
        case ImageText():
            return "an image"
        case str():
            text = json.dumps(value, ensure_ascii=False)
            return text if len(text) <= _SHOWN_CHARACTERS else f'{text[: _SHOWN_CHARACTERS - 2]}…"'
        case list():
            return f"a list of {len(value)}" if value else "an empty list"
        case Mapping():
            return "a mapping"
        case float() if not math.isfinite(value):
            return "not a number" if math.isnan(value) else "an endless number"
        case _:
            return json.dumps(value)


def either(phrases: Sequence[str]) -> str:
    """Join phrases with commas and a last "or"."""
    *head, last = phrases
    return f"{', '.join(head)} or {last}" if head else last


def bounds(schema: Mapping[str, Any]) -> str:
    """Return a schema's range of numbers, like "1 to 10" or "1 or more"; empty where it has none."""
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None and above is None and below is None:
        return f"{low} to {high}"
    parts = [f"{low} or more"] if low is not None else []
    parts += [f"more than {above}"] if above is not None else []
    parts += [f"{high} or less"] if high is not None else []
    parts += [f"less than {below}"] if below is not None else []
    return " and ".join(parts)


def allowed(schema: Any, *, image: bool = False) -> str:
    """Return what `schema` allows as a phrase that fits after "takes"; `image` says that its text is an image's."""
    if not isinstance(schema, Mapping):
        return "anything" if schema else "nothing"
    if "const" in schema:
        return show(schema["const"])
    if "enum" in schema:
        return choices(schema["enum"])
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return either(_distinct(allowed(part, image=image) for part in schema[keyword]))
    types = schema.get("type", [])
    phrases = [_typed(kind, schema, image=image) for kind in ([types] if isinstance(types, str) else types)]
    return either(_distinct(phrases)) if phrases else "another value"


def choices(values: Sequence[Any]) -> str:
    """Return the values of an `enum`, the first dozen where there are many."""
    if not values:
        return "nothing"
    shown = [show(value) for value in values[:_SHOWN_CHOICES]]
    return either(shown) if len(values) <= _SHOWN_CHOICES else f"{', '.join(shown)} and {len(values) - len(shown)} more"


def likeness(schema: Mapping[str, Any]) -> str:
    """Return `text like "16:9"` from a schema's examples or default; empty where it has neither."""
    examples = schema.get("examples") or ([schema["default"]] if "default" in schema else [])
    return f"text like {either([show(example) for example in examples[:3]])}" if examples else ""


def _typed(kind: str, schema: Mapping[str, Any], *, image: bool) -> str:
    match kind:
        case "integer" | "number":
            return _number(kind, schema)
        case "string":
            return "an image" if image else _text(schema)
        case "array":
            noun = "image" if image else "item"
            count = _count(schema.get("minItems"), schema.get("maxItems"), noun)
            return f"a list of {count or noun + 's'}"
        case _:
            return _NOUNS.get(kind, kind)


def _number(kind: str, schema: Mapping[str, Any]) -> str:
    noun = "a whole number" if kind == "integer" else "a number"
    limits = bounds(schema)
    link = "from " if " to " in limits else "of " if " or " in limits else ""
    multiple = f", a multiple of {schema['multipleOf']}" if "multipleOf" in schema else ""
    return f"{noun} {link}{limits}{multiple}" if limits else f"{noun}{multiple}"


def _text(schema: Mapping[str, Any]) -> str:
    if "pattern" in schema:
        return likeness(schema) or f"text that matches {schema['pattern']}"
    count = _count(schema.get("minLength"), schema.get("maxLength"), "character")
    if schema.get("minLength") == 1 and "maxLength" not in schema:
        return "text that is not empty"
    return f"text of {count}" if count else "text"


def _count(low: int | None, high: int | None, noun: str) -> str:
    if low is not None and high is not None:
        return f"{low} to {high} {noun}s" if low != high else f"{low} {noun}{'s' if low != 1 else ''}"
    if low:
        return f"at least {low} {noun}{'s' if low != 1 else ''}"
    return f"at most {high} {noun}{'s' if high != 1 else ''}" if high is not None else ""


def _distinct(phrases: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(phrases))

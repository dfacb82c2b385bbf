"""Plain scalars by YAML 1.2's core schema: `16:9`, `no` and dates are texts, `012` is 12, `1e5` a number."""

import math
import re
from typing import TypeAlias

from specrun.canonical import LARGEST_INTEGER

Value: TypeAlias = bool | int | float | str | None

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_NUMERIC_START = frozenset("+-.0123456789")
_LONGEST_NUMBER = 400
_BASES = {"0o": 8, "0x": 16}
_CORE = "tag:yaml.org,2002:"


class UnusableScalarError(ValueError):
    """A scalar that means what no request can hold; `summary` in fixed words, `hint` says what to do."""

    def __init__(self, summary: str, detail: str, hint: str) -> None:
        super().__init__(detail)
        self.summary = summary
        self.hint = hint


def resolve(text: str) -> Value:
    """Return what a plain scalar means; raise `UnusableScalarError`."""
    if text[:1] in _NUMERIC_START and text:
        return _number(text)
    if text in _NULL:
        return None
    return _BOOL.get(text, text)


def resolve_tagged(tag: str, text: str) -> Value:
    """Return what a scalar with a tag means, such as `!!str 3`; raise `UnusableScalarError`."""
    name = tag.removeprefix(_CORE)
    if name == "str":
        return text
    value = resolve(text)
    kinds = {
        "null": value is None,
        "bool": isinstance(value, bool),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, (int, float)) and not isinstance(value, bool),
    }
    if not kinds.get(name, False):
        raise UnusableScalarError("unsupported tag", f"`{written(tag)}` cannot be used here", "remove the tag")
    return value


def fits(tag: str | None, kind: str) -> bool:
    """Whether a tag, if any, says of a list (`seq`) or mapping (`map`) what it is anyway."""
    return tag in (None, "!", _CORE + kind)


def written(tag: str) -> str:
    """Return a tag as people write it."""
    return tag.replace(_CORE, "!!")


def _number(text: str) -> int | float | str:
    if _INT.fullmatch(text):
        whole = int(text.removeprefix(text[:2]), _BASES[text[:2]]) if text[:2] in _BASES else _decimal(text)
        if abs(whole) > LARGEST_INTEGER:
            detail = "a whole number beyond 2^53 - 1 loses digits on its way through JSON"
            raise UnusableScalarError("number too large", detail, "quote it if it is a text")
        return int(whole)
    if _FLOAT.fullmatch(text):
        value = float(text)
        if math.isinf(value):
            detail = f"{text[:40]} does not fit a 64-bit float"
            raise UnusableScalarError("number too large", detail, "quote it if it is a text")
        return value
    if _NOT_FINITE.fullmatch(text):
        raise UnusableScalarError(
            "not a finite number", f"{text} has no place in a request", "quote it if it is a text"
        )
    return text


def _decimal(text: str) -> int | float:
    """Read digits; Python refuses more than some thousands of them."""
    return int(text) if len(text) <= _LONGEST_NUMBER else math.inf

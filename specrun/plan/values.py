"""What templates give, as data and as texts."""

import math
from collections.abc import Mapping
from typing import Any

from specrun.plan.bounds import IMAGES, Meter, check_data, describe


def plain(value: Any, meter: Meter) -> Any:
    """Return a template's value as bare data and images; raise for functions and other objects, and for too much."""
    return value if check_data(value, meter.spend).exact else _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {text_of(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def text_of(value: Any) -> str:
    """Return a value as it stands in a text; raise for what has no text that anyone would want.

    A list's or mapping's Python form in a prompt is a slip that costs money.
    """
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (bool, int)):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a number is not finite")
        return str(value)
    if isinstance(value, IMAGES):
        return value.source
    if value is None:
        raise ValueError("nothing (null) has no text; give it one with `| default('…', true)`")
    if isinstance(value, Mapping):
        named = next((key for key in value if isinstance(key, str) and key.isidentifier()), "")
        hint = f", as in `.{named}`" if named else ""
        raise TypeError(f"a mapping has no text; name one of its keys{hint}, or use `| tojson`")
    if isinstance(value, (list, tuple)):
        raise TypeError("a list has no text; use `| join(', ')`")
    # What is left comes out of Jinja, which is loaded then.
    from jinja2 import Undefined  # noqa: PLC0415

    if type(value) is Undefined:  # what an `if` without `else` gives
        return ""
    check_data(value)  # says what else it is
    raise TypeError(f"{describe(value)} has no text")

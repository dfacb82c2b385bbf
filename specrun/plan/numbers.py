"""Numbers in templates: what `int`, `float` and `round` take for one, and texts that are mistaken for one."""

import json
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2.filters import FILTERS

from specrun.plan.bounds import TooMuchError, check_data, describe
from specrun.plan.template import NEAR, FunctionError

_WHOLE = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_LONGEST = 400
_SHOWN = 60
_FEWEST, _MOST = 2, 36
_MOST_PLACES = 100
_NONE = object()
_CONVERT = "csv holds texts: convert with `| int` or `| float`"


def whole(value: Any, default: Any = _NONE, base: Any = 10) -> Any:
    """Return a whole number: of a text that is one, or of a number without its fraction; else the default, if given."""
    if not isinstance(base, int) or not _FEWEST <= base <= _MOST:
        raise FunctionError(f"`int` takes a base from {_FEWEST} to {_MOST}", "int")
    found = _in_base(value, base) if isinstance(value, str) else None if (number := _number(value)) is None else number
    if found is not None:
        return int(found)
    return _default(value, default, "a whole number", "int")


def fractional(value: Any, default: Any = _NONE) -> Any:
    """Return a number, of a text that is one; else the default, if given."""
    found = _number(value)
    return _default(value, default, "a number", "float") if found is None else float(found)


def rounded(value: Any, precision: Any = 0, method: str = "common", default: Any = _NONE) -> Any:
    """Round a number, of a text that is one; else return the default, if given."""
    if not isinstance(precision, int) or abs(precision) > _MOST_PLACES:
        raise TooMuchError(f"`round` takes a precision of up to {_MOST_PLACES} places")
    found = _number(value)
    return (
        _default(value, default, "a number", "round") if found is None else FILTERS["round"](found, precision, method)
    )


def _default(value: Any, default: Any, what: str, name: str) -> Any:
    if not isinstance(value, (str, float)):
        check_data(value)  # says what is missing, or no data
    if default is not _NONE:
        return default
    raise FunctionError(f"{_shown(value)} is not {what}", name, _way_out(value, name))


def _way_out(value: Any, name: str) -> str:
    if isinstance(value, bool):
        return "write {{ 1 if … else 0 }}"
    if name == "int" and isinstance(value, str):
        if _number(value) is not None:
            return "`| float` keeps its fraction, `| float | int` cuts it off"
        if value.strip().lower().startswith("0x"):
            return "`| int(base=16)` reads it"
    given = "default=0" if name == "round" else "0"
    return f"correct the value, or say what stands for it, as in {{{{ … | {name}({given}) }}}}"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value[:_SHOWN] + ("…" if len(value) > _SHOWN else ""), ensure_ascii=False)
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    return "a number that is not finite" if isinstance(value, float) else describe(value)


def _in_base(text: str, base: int) -> int | float | None:
    bare = text.strip()
    if base == 10:  # noqa: PLR2004 - as people write numbers
        number = _number(bare)
        return number if number is None or number == int(number) else None
    if len(bare) > _LONGEST or "_" in bare:
        return None
    try:
        return int(bare, base)
    except ValueError:
        return None


def _number(value: Any) -> int | float | None:
    """Return a finite number, or what a text says that is one as YAML and JSON write it; None for anything else."""
    if isinstance(value, str):
        bare = value.strip()
        if len(bare) > _LONGEST or not _NUMBER.fullmatch(bare):
            return None
        value = int(bare) if _WHOLE.fullmatch(bare) else float(bare)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None


# Comparisons by the names of tests, and by those that Jinja's syntax tree gives operators.
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("<", "lt", "lessthan"), operator.lt),
    **dict.fromkeys(("<=", "le", "lteq"), operator.le),
    **dict.fromkeys((">", "gt", "greaterthan"), operator.gt),
    **dict.fromkeys((">=", "ge", "gteq"), operator.ge),
}
_EQUALITY = frozenset(("==", "eq", "equalto", "!=", "ne"))


def refuse_mistaken(left: Any, right: Any, name: str) -> None:
    """Refuse a comparison whose answer is wrong, or fails, because a text stands where its number is meant.

    As what `csv` gives is: `'3' == 3` is never true, and `'10' < '9'` goes by the letters.
    """
    if name not in _ORDER and name not in _EQUALITY:
        return
    texts = isinstance(left, str) + isinstance(right, str)
    if not texts or (name in _EQUALITY and texts != 1):
        return
    one, other = _number(left), _number(right)
    if texts == 1:
        text, by_number = (left, right) if isinstance(left, str) else (right, left)
        if isinstance(by_number, bool) or not isinstance(by_number, (int, float)):
            return
        if name in _ORDER or one == other:
            raise TypeError(f"{_shown(text)} is a text, {by_number} a number{NEAR}{_CONVERT}")
    elif one is not None and other is not None and _ORDER[name](one, other) != _ORDER[name](left, right):
        detail = f"{_shown(left)} and {_shown(right)} are texts, which do not compare as the numbers in them do"
        raise TypeError(f"{detail}{NEAR}{_CONVERT}")


def refuse_numeric_texts(left: Any, right: Any, verb: str) -> None:
    """Refuse to join or repeat texts that are numbers, where these are meant to be added or multiplied."""
    texts = [value for value in (left, right) if isinstance(value, str)]
    # Zeros in front of a number are written so.
    if texts and texts != ["0"] and _number(left) is not None and _number(right) is not None:
        raise TypeError(f"{_shown(texts[0])} is a text, and would be {verb}{NEAR}{_CONVERT}; `~` joins texts")

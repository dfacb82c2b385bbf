"""Regular expressions of schemas, by an engine without backtracking: what they cost follows from the text alone."""

import re
from functools import cache
from typing import Any

import jsonschema_rs

LINEAR = jsonschema_rs.RegexOptions()

# The engine reads UTF-8, which has no form for half a surrogate pair: the replacement character stands for each.
_WHOLE = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


def matches(pattern: str, text: str) -> bool:
    """Say whether a pattern is found in a text; raises `ValueError` for one that the engine cannot take."""
    whole = text if text.isascii() else text.translate(_WHOLE)
    return bool(_compiled(pattern).is_valid(str.__str__(whole)))


def unusable(pattern: str) -> str:
    """Say why the engine does not take a pattern; nothing where it does."""
    try:
        _compiled(pattern)
    except ValueError:
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError):
            return "is no regular expression"
        return "looks around or back, or repeats too much, which cannot be matched in bounded time"
    return ""


@cache
def _compiled(pattern: str) -> Any:
    return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=LINEAR)

"""The tokens of a template with the places where they stand in its text."""

import math
import re
from collections.abc import Iterable, Iterator

from jinja2.exceptions import TemplateSyntaxError

from specrun.plan.bounds import MOST_BITS

_SPACE = re.compile(r"\s*")
_BASES = frozenset(("0x", "0o", "0b"))
# Three digits say as much as ten bits.
_MOST_DIGITS = MOST_BITS * 3 // 10


def placed(source: str, tokens: Iterable[tuple[int, str, str]]) -> Iterator[tuple[int, str, str]]:
    """Yield Jinja's tokens with, in place of its line, where each starts; counted from 1.

    The text of a token is as it stands in the source; all that is left out between two of them is white space.
    """
    source, position = source.replace("\r\n", "\n").replace("\r", "\n"), 0
    try:
        for _, kind, text in tokens:
            position = max(source.find(text, position), position)
            if kind in ("integer", "float"):
                _check_number(kind, text.replace("_", ""))
            yield position + 1, kind, text
            position += len(text)
    except TemplateSyntaxError as error:
        # Of what is no token at all Jinja tells the line.
        space = _SPACE.match(source, position)
        error.lineno = 1 + (position if space is None else space.end())
        raise


def _check_number(kind: str, text: str) -> None:
    """Refuse a number that Python would print as infinity, or not at all."""
    if kind == "float":
        large = math.isinf(float(text))
    elif text[:2].lower() in _BASES:
        large = int(text, 0).bit_length() > MOST_BITS
    else:
        large = len(text) > _MOST_DIGITS
    if large:
        raise TemplateSyntaxError("the number is too large", 1)

"""Where the characters of a YAML scalar are written, through folding, indentation, quotes and escapes."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from specrun.spec.nodes import Scalar

_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")
_ESCAPE = re.compile(
    r"\\(?:(?:u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w)|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL
)
_NAMED = dict(zip('0abvfe"/\\', '\0\a\b\v\f\x1b"/\\', strict=True))


class Written(NamedTuple):
    """A character that is no white space, and from where to where it is written; lines and columns from 0."""

    character: str
    start: tuple[int, int]
    end: tuple[int, int]


@lru_cache(maxsize=8)
def written(node: Scalar) -> tuple[Written, ...]:
    """Return the characters of a scalar but for white space, which folding changes; none where they cannot be told."""
    lines = [node.source.line(number + 1) for number in range(node.line, node.end_line + 1)]
    raw = "\n".join(lines)
    places = _places(lines, node.line)
    begin = node.column
    if (properties := _PROPERTIES.match(raw, begin)) is not None:
        begin = properties.end()
    found = tuple(
        Written(character, places[start], places[end])
        for start, end, character in _units(raw, begin, node.style)
        if not character.isspace()
    )
    # What comes behind the scalar on its last line is no part of it.
    wanted = [character for character in node.text if not character.isspace()]
    if [each.character for each in found[: len(wanted)]] == wanted:
        return found[: len(wanted)]
    return ()


def _places(lines: list[str], first: int) -> list[tuple[int, int]]:
    """Return the line and column of each character of several lines, their breaks and the very end included."""
    return [(first + at, column) for at, line in enumerate(lines) for column in range(len(line) + 1)]


def _units(raw: str, begin: int, style: str) -> Iterator[tuple[int, int, str]]:
    match style:
        case "'":
            yield from _single_quoted(raw, begin + 1)
        case '"':
            yield from _double_quoted(raw, begin + 1)
        case "|" | ">":
            header = raw.find("\n", begin)
            yield from _plain(raw, len(raw) if header < 0 else header)
        case _:
            yield from _plain(raw, begin)


def _plain(raw: str, begin: int) -> Iterator[tuple[int, int, str]]:
    for at in range(begin, len(raw)):
        yield at, at + 1, raw[at]


def _single_quoted(raw: str, at: int) -> Iterator[tuple[int, int, str]]:
    while at < len(raw):
        length = 1
        if raw[at] == "'":
            if raw[at + 1 : at + 2] != "'":
                return
            length = 2
        yield at, at + length, raw[at]
        at += length


def _double_quoted(raw: str, at: int) -> Iterator[tuple[int, int, str]]:
    while at < len(raw) and raw[at] != '"':
        escape = _ESCAPE.match(raw, at)
        if escape is None:
            yield at, at + 1, raw[at]
            at += 1
        else:
            yield at, escape.end(), _unescaped(escape[0])
            at = escape.end()


def _unescaped(escape: str) -> str:
    """Return the character that an escape stands for; a space for all that are white space."""
    kind, digits = escape[1], escape[2:]
    if kind == "u" and len(digits) > len("d83d"):
        return (bytes.fromhex(digits[:4]) + bytes.fromhex(digits[-4:])).decode("utf-16-be")
    if kind in "xuU" and digits:
        code = int(digits, 16)
        return chr(code) if code <= 0x10FFFF else "\0"  # noqa: PLR2004 - the last character that there is
    return _NAMED.get(kind, " ")

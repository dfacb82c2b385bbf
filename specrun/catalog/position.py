"""Where in a JSON text a value stands."""

import re
from json import JSONDecoder

from specrun.diagnostics import Source, Span

_DECODER = JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


def span_of(source: Source, path: tuple[str | int, ...]) -> Span:
    """Return the span of the value at `path`, or of the deepest value on the way that there is.

    The text must be valid JSON. Of a value of many lines only the first one is spanned.
    """
    start = _skip(source.text, 0)
    for step in path:
        found = _member(source.text, start, step) if isinstance(step, str) else _item(source.text, start, step)
        if found is None:
            break
        start = found
    _, end = _DECODER.raw_decode(source.text, start)
    line_end = _LINE_BREAK.search(source.text, start, end)
    return span_at(source, start, line_end.start() if line_end else end)


def span_at(source: Source, start: int, end: int) -> Span:
    """Return the span between two offsets of one line, counted in characters from 0."""
    before = _LINE_BREAK.split(source.text[:start])
    line, column = len(before), len(before[-1]) + 1
    return Span(source=source, line=line, column=column, end_line=line, end_column=column + end - start)


def _member(text: str, start: int, name: str) -> int | None:
    if text[start] != "{":
        return None
    position = _skip(text, start + 1)
    while text[position] == '"':
        key, position = _DECODER.raw_decode(text, position)
        position = _skip(text, _skip(text, position) + 1)
        if key == name:
            return position
        position = _next(text, position)
    return None


def _item(text: str, start: int, index: int) -> int | None:
    if text[start] != "[":
        return None
    position = _skip(text, start + 1)
    for _ in range(index):
        if text[position] == "]":
            return None
        position = _next(text, position)
    return None if text[position] == "]" else position


def _next(text: str, position: int) -> int:
    """Return where the element after the one at `position` starts, or the closing bracket stands."""
    _, end = _DECODER.raw_decode(text, position)
    end = _skip(text, end)
    return _skip(text, end + 1) if text[end] == "," else end


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position

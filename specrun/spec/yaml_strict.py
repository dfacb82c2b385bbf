"""What a lenient parser of YAML lets pass although it is none, and most likely a slip."""

import re
from typing import Any

import yaml

from specrun.diagnostics import Source

_GLUED = "a comment has a space before its #"
_AFTER_A_VALUE = re.compile(r"\s*,#")
_AFTER_A_HEADER = re.compile(r"[|>][-+0-9]*#")
_AFTER_A_VERSION = re.compile(r"%YAML[ \t]+[0-9.]+#")
# Nearly every text holds none of these, and needs no closer look.
_SUSPECT = re.compile(r"[\"'\]},0-9|>+-]#")
_QUOTES = ("'", '"')


class LooseSyntax:
    """Says of parser events whether what they read is no YAML."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._comments = _SUSPECT.search(source.text) is not None

    def fault(self, event: Any) -> tuple[str, str] | None:
        """Return what is wrong and what to do, None for what is in order.

        The event ends a value, or starts the document.
        """
        if isinstance(event, yaml.ScalarEvent) and event.value == "-" and event.implicit[0]:
            return "a dash by itself stands for no value within brackets", 'quote it: "-"'
        return (_GLUED, "put a space before it, or quote the text") if self._comments and self._glued(event) else None

    def _glued(self, event: Any) -> bool:
        start, end = event.start_mark, event.end_mark
        if isinstance(event, yaml.DocumentStartEvent):
            return _AFTER_A_VERSION.match(self._source.line(start.line + 1)) is not None
        style = event.style if isinstance(event, yaml.ScalarEvent) else None
        if style in ("|", ">"):
            return _AFTER_A_HEADER.match(self._source.line(start.line + 1), start.column) is not None
        line = self._source.line(end.line + 1)
        if style in _QUOTES or (not isinstance(event, yaml.ScalarEvent) and line[: end.column].endswith(("]", "}"))):
            return line.startswith("#", end.column) or _AFTER_A_VALUE.match(line, end.column) is not None
        return isinstance(event, yaml.ScalarEvent) and _AFTER_A_VALUE.match(line, end.column) is not None

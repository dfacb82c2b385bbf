"""Texts that hold nothing but variables, read as Jinja reads them, and without it."""

import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from specrun.plan.template import LARGEST_TEMPLATE, MOST_PARTS, Scope

_OPENING = re.compile(r"\{[{%#]")
_VARIABLE = re.compile(r"\{\{ *([a-zA-Z]\w*(?:\.[a-zA-Z]\w*)*) *\}\}", re.ASCII)
# Words that are no variables, or Jinja's own.
_OTHERWISE = frozenset("true false none True False None not self super range dict namespace".split())


class Variable(msgspec.Struct, frozen=True):
    """`{{ name }}`, or `{{ name.key.key }}`; the names stand in the text from `start` up to `end`."""

    names: tuple[str, ...]
    start: int
    end: int

    def look_up(self, scope: Scope) -> Any:
        """Return the value; raise `LookupError` where it is not plainly there."""
        value: Any = scope
        for name in self.names:
            if not isinstance(value, Mapping) or name not in value:
                raise LookupError(name)
            value = value[name]
        return value


def pieces_of(text: str, functions: Collection[str]) -> list[str | Variable] | None:
    """Split a text into literal parts and variables; None where there is, or may be, more in it, as functions are."""
    if len(text) > LARGEST_TEMPLATE or "\r" in text:
        return None
    text = text.removesuffix("\n")
    pieces: list[str | Variable] = []
    end = 0
    while opening := _OPENING.search(text, end):
        found = _VARIABLE.match(text, opening.start())
        names = () if found is None else tuple(found[1].split("."))
        if found is None or names[0] in _OTHERWISE or names[0] in functions:
            return None
        pieces += [text[end : found.start()], Variable(names, *found.span(1))]
        end = found.end()
    pieces.append(text[end:])
    shown = [piece for piece in pieces if piece]
    return shown if len(shown) <= MOST_PARTS else None

"""Template texts, and the way from a place inside one back to its place in the file."""

import msgspec

from specrun.diagnostics import Source, Span
from specrun.spec.nodes import Scalar
from specrun.spec.written import written


class Text(msgspec.Struct, frozen=True):
    """A text that may hold templates: a YAML scalar, or (without `node`) a whole file."""

    text: str
    source: Source
    node: Scalar | None = None

    @property
    def span(self) -> Span:
        """The whole text's place."""
        if self.node is not None:
            return self.node.span
        return Span(source=self.source, line=1, column=1, end_line=1, end_column=2)

    def at(self, start: int, end: int) -> Span:
        """Return the place of the characters from `start` up to `end`, counted from 0, each line break as one."""
        text = self.text.replace("\r\n", "\n").replace("\r", "\n")
        if self.node is None:
            first, last = _line_and_column(text, start), _line_and_column(text, max(start, end))
            return self._span(first, last)
        characters = written(self.node)
        if not characters:
            return self.node.span
        # Of white space, which YAML folds, only its place between other characters is certain.
        before, within = _solid(text[:start]), _solid(text[start:end])
        at = min(before, len(characters) - 1)
        return self._span(characters[at].start, characters[min(at + max(within, 1), len(characters)) - 1].end)

    def _span(self, start: tuple[int, int], end: tuple[int, int]) -> Span:
        return Span(
            source=self.source,
            line=start[0] + 1,
            column=start[1] + 1,
            end_line=end[0] + 1,
            end_column=end[1] + 1,
        )


def _solid(text: str) -> int:
    return sum(not character.isspace() for character in text)


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    line = text.count("\n", 0, offset)
    return line, offset - (text.rfind("\n", 0, offset) + 1)


def scalar_text(node: Scalar) -> Text:
    """Return a YAML scalar as a text, numbers and booleans as written."""
    return Text(node.value if isinstance(node.value, str) else node.text, node.source, node)

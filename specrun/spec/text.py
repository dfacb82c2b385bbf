"""Template texts, and the way from a line inside one back to its place in the file."""

import re

import msgspec

from specrun.diagnostics import Source, Span
from specrun.spec.nodes import Scalar


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

    def place(self, line: int, token: str = "") -> Span:
        """Return the place of `token` on the text's line `line` (1-based), or the nearest that can be told.

        Escapes and folding move columns, so the token is looked for in the source itself.
        """
        first, last = self._source_lines(line)
        pattern = re.compile(rf"(?<!\w){re.escape(token)}(?!\w)") if token else None
        for number in range(first, last + 1):
            found = pattern.search(self.source.line(number), *self._columns(number)) if pattern else None
            if found:
                return Span(
                    source=self.source,
                    line=number,
                    column=found.start() + 1,
                    end_line=number,
                    end_column=found.end() + 1,
                )
        if self.node is not None and first != last:
            return self.node.span
        text = self.source.line(first)
        if self.node is not None and first == self.node.line + 1:
            return self.node.span
        start = len(text) - len(text.lstrip()) + 1
        return Span(source=self.source, line=first, column=start, end_line=first, end_column=max(len(text), start) + 1)

    def _columns(self, line: int) -> tuple[int, int]:
        """Return from where to where the text may stand on a line of the source."""
        node, everything = self.node, len(self.source.line(line))
        if node is None or node.style in ("|", ">"):
            return 0, everything
        start = node.column if line == node.line + 1 else 0
        return start, node.end_column if line == node.end_line + 1 else everything

    def _source_lines(self, line: int) -> tuple[int, int]:
        """Return the first and last line of the source that the text's line may stand on."""
        if self.node is None:
            return line, line
        first, last = self.node.line + 1, self.node.end_line + 1
        if self.node.style == "|":
            return first + line, first + line
        return first, last


def scalar_text(node: Scalar) -> Text:
    """Return a YAML scalar as a text, numbers and booleans as written."""
    return Text(node.value if isinstance(node.value, str) else node.text, node.source, node)

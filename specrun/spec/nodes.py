"""YAML values that know where they stand."""

from collections.abc import Iterator
from typing import TypeAlias

from specrun.canonical import Json
from specrun.diagnostics import Source, Span


class _Placed:
    """A stretch of a source; lines and columns as the YAML parser counts them, from 0."""

    __slots__ = ("column", "end_column", "end_line", "height", "line", "source", "weight")

    def __init__(self, source: Source, start: tuple[int, int], end: tuple[int, int]) -> None:
        self.source = source
        self.line, self.column = start
        self.end_line, self.end_column = end
        self.weight = 1  # how many values this one stands for once every alias is written out
        self.height = 0  # how many levels nest below it

    @property
    def span(self) -> Span:
        """The place, counted from 1."""
        return Span(
            source=self.source,
            line=self.line + 1,
            column=self.column + 1,
            end_line=self.end_line + 1,
            end_column=self.end_column + 1,
        )


class Scalar(_Placed):
    """One value: `value` by the core schema, `text` as written, `style` the YAML quote (`|`, `"`, … or empty)."""

    __slots__ = ("style", "text", "value")

    def __init__(
        self,
        source: Source,
        start: tuple[int, int],
        end: tuple[int, int],
        *,
        value: bool | int | float | str | None,
        text: str,
        style: str,
    ) -> None:
        super().__init__(source, start, end)
        self.value = value
        self.text = text
        self.style = style


class Sequence(_Placed):
    """A list of nodes."""

    __slots__ = ("items",)

    def __init__(self, source: Source, start: tuple[int, int], end: tuple[int, int], items: "tuple[Node, ...]") -> None:
        super().__init__(source, start, end)
        self.items = items


class Mapping(_Placed):
    """String keys to nodes, in the order written."""

    __slots__ = ("entries",)

    def __init__(
        self, source: Source, start: tuple[int, int], end: tuple[int, int], entries: "dict[str, tuple[Scalar, Node]]"
    ) -> None:
        super().__init__(source, start, end)
        self.entries = entries

    @property
    def start(self) -> "Scalar | Mapping":
        """The first key, to point at where the whole would be too much; the mapping itself where it is empty."""
        return next((key for key, _ in self.entries.values()), self)

    def get(self, key: str) -> "Node | None":
        """Return the value under `key`, None where there is none."""
        entry = self.entries.get(key)
        return None if entry is None else entry[1]

    def pairs(self) -> "Iterator[tuple[Scalar, Node]]":
        """Iterate over key nodes and values."""
        return iter(self.entries.values())


Node: TypeAlias = Scalar | Sequence | Mapping


def plain(node: Node) -> Json:
    """Return the node's bare value."""
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {key: plain(value) for key, (_, value) in node.entries.items()}


def kind(node: Node) -> str:
    """Say what a node is, for messages."""
    match node:
        case Sequence():
            return "a list"
        case Mapping():
            return "a mapping"
        case Scalar(value=None):
            return "empty"
        case Scalar(value=bool()):
            return f"the boolean {node.text}"
        case Scalar(value=int() | float()):
            return f"the number {node.text}"
        case Scalar():
            return "a text"

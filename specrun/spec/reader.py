"""Typed readers over YAML nodes: each returns a value, or None after saying what is wrong and where."""

from collections.abc import Collection, Iterator
from typing import Any

from specrun.diagnostics import Collector, Diagnostic, did_you_mean
from specrun.spec.nodes import Mapping, Node, Scalar, Sequence, kind
from specrun.spec.yaml_slips import no_space


class Reader:
    """Reads nodes and collects what is wrong with them."""

    def __init__(self, faults: Collector) -> None:
        self.faults = faults

    def fail(self, node: Any, summary: str, detail: str, hint: str = "") -> None:
        """Record a fault at a node, or at anything else that has a span."""
        self.faults.add(Diagnostic(summary=summary, detail=detail, span=node.span, hint=hint))

    def mapping(self, node: Node, what: str, hint: str = "") -> Mapping | None:
        """Read a mapping with keys of the user's choosing; `hint` says what to write where it is none."""
        if isinstance(node, Mapping):
            return node
        self.fail(node, "wrong type", f"{what} is a mapping, not {kind(node)}", hint or _as_mapping(node))
        return None

    def fields(self, node: Node, what: str, known: Collection[str]) -> Mapping | None:
        """Read a mapping whose keys are fixed; unknown ones are faults."""
        mapping = self.mapping(node, what)
        if mapping is None:
            return None
        above: tuple[Scalar, Node] | None = None
        for key, value in mapping.pairs():
            if key.value in known:
                above = (key, value)
                continue
            name = str(key.value)
            hint = not_indented(above, key) or no_space(name) or did_you_mean(name, known)
            if not hint:
                hint = f"known here: {', '.join(sorted(known))}"
                hint += "; what a model takes stands under `params`" if "params" in known else ""
            self.fail(key, "unknown key", f'{what} has no "{name}"', hint)
        return mapping

    def sequence(self, node: Node, what: str, example: str = "[a, b]") -> tuple[Node, ...] | None:
        """Read a list, which looks like `example`."""
        if isinstance(node, Sequence):
            return node.items
        self.fail(node, "wrong type", f"{what} is a list, not {kind(node)}", f"write it as {example}")
        return None

    def text(self, node: Node, what: str, hint: str = "") -> str | None:
        """Read a text that is not empty; `hint` says what to write where it is none."""
        if isinstance(node, Scalar) and isinstance(node.value, str):
            if node.value.strip():
                return node.value
            self.fail(node, "empty text", f"{what} is empty")
            return None
        hint = hint or ("quote it" if isinstance(node, Scalar) and node.value is not None else "")
        self.fail(node, "wrong type", f"{what} is a text, not {kind(node)}", hint)
        return None

    def boolean(self, node: Node, what: str) -> bool | None:
        """Read true or false."""
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        self.fail(node, "wrong type", f"{what} is true or false, not {kind(node)}")
        return None

    def integer(self, node: Node, what: str, *, minimum: int = 1) -> int | None:
        """Read a whole number of at least `minimum`."""
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, int) and not isinstance(value, bool):
            if value >= minimum:
                return value
            self.fail(node, "value out of range", f"{what} is {value}; it is at least {minimum}")
            return None
        self.fail(node, "wrong type", f"{what} is a whole number, not {kind(node)}")
        return None

    def number(self, node: Node, what: str, *, above: float = 0) -> float | None:
        """Read a number greater than `above`."""
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if value > above:
                return value
            self.fail(node, "value out of range", f"{what} is {value}; it is more than {above}")
            return None
        self.fail(node, "wrong type", f"{what} is a number, not {kind(node)}")
        return None


def not_indented(above: tuple[Scalar, Node] | None, key: Scalar) -> str:
    """Say what to do with keys that stand below one without a value, where they would be in it if indented."""
    if above is None or not isinstance(above[1], Scalar) or above[1].value is not None or above[1].text:
        return ""
    return f"indent it, if it belongs to `{above[0].text}`" if above[0].column == key.column else ""


def _as_mapping(node: Node) -> str:
    """Say how a mapping is written, to who wrote a list or a text."""
    if isinstance(node, Sequence):
        return "write its entries as `key: value`, without dashes"
    if isinstance(node, Scalar) and node.value is None and not node.text:
        return "write its entries below it, indented, as `key: value`"
    return "write its entries as `key: value`, each on a line of its own" if isinstance(node, Scalar) else ""


def entries(mapping: Mapping | None) -> Iterator[tuple[str, Scalar, Node]]:
    """Iterate over a mapping's names, key nodes and values; nothing for None."""
    if mapping is not None:
        for name, (key, value) in mapping.entries.items():
            yield name, key, value

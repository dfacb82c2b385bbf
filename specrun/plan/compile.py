"""Template texts to values that can be evaluated, each compiled once."""

from collections.abc import Callable
from collections.abc import Mapping as Named
from functools import cached_property
from typing import TYPE_CHECKING, Any

from specrun.diagnostics import Collector, Source
from specrun.plan.bounds import Meter
from specrun.plan.template import (
    Constant,
    Expression,
    Joined,
    ListOf,
    MappingOf,
    Native,
    Scope,
    Value,
)
from specrun.plan.variables import Variable, pieces_of
from specrun.spec.nodes import Mapping, Node, Scalar, Sequence
from specrun.spec.text import Text, scalar_text

if TYPE_CHECKING:
    from specrun.plan.jinja import JinjaTemplates


class Compiler:
    """Compiles the templates of one spec; what does not compile is said once, whoever asks for it."""

    def __init__(self, functions: Named[str, Callable[..., Any]], faults: Collector) -> None:
        self._functions = functions
        self._faults = faults
        self._meter = Meter()
        self._values: dict[Node, Value] = {}
        self._scalars: dict[Scalar, Value] = {}
        self._texts: dict[Text, Joined] = {}
        self._by_jinja: dict[Text, tuple[str | Expression, ...]] = {}
        nothing = Text("", Source(name="", text=""))
        self._faulty = Joined(parts=(Expression(text=nothing, meter=self._meter),), span=nothing.span)

    def value(self, node: Node) -> Value:
        """Compile a YAML value: single expressions keep their type, other templates give texts."""
        if node not in self._values:
            self._values[node] = self._value(node)
        return self._values[node]

    def text(self, text: Text | None) -> Joined:
        """Compile a template that always gives a text: a prompt, an output path; None is one known to be faulty."""
        if text is None:
            return self._faulty
        if text not in self._texts:
            self._texts[text] = Joined(parts=self._parts(text), span=text.span)
        return self._texts[text]

    def _value(self, node: Node) -> Value:
        match node:
            case Scalar(value=str()) if "{" in node.text:
                # An aliased template stands in many places.
                if node not in self._scalars:
                    self._scalars[node] = self._scalar(scalar_text(node))
                return self._scalars[node]
            case Scalar():
                return Constant(value=node.value, span=node.span, node=node)
            case Sequence():
                items = tuple(self._value(item) for item in node.items)
                if all(isinstance(item, Constant) for item in items):
                    bare = [item.value for item in items if isinstance(item, Constant)]
                    return Constant(value=bare, span=node.span, node=node)
                return ListOf(items=items, span=node.span)
            case Mapping():
                pairs = tuple((str(key.value), self._value(value)) for key, value in node.pairs())
                if all(isinstance(value, Constant) for _, value in pairs):
                    named = {name: value.value for name, value in pairs if isinstance(value, Constant)}
                    return Constant(value=named, span=node.span, node=node)
                return MappingOf(items=pairs, span=node.span)

    def _scalar(self, text: Text) -> Value:
        parts = self._parts(text)
        if len(parts) == 1 and isinstance(parts[0], Expression):
            return Native(expression=parts[0], span=text.span)
        if all(isinstance(part, str) for part in parts):
            return Constant(value="".join(str(part) for part in parts), span=text.span)
        return Joined(parts=parts, span=text.span)

    def _parts(self, text: Text) -> tuple[str | Expression, ...]:
        pieces = pieces_of(text.text, self._functions)
        if pieces is None:
            return self._jinja.parts(text)
        return tuple(
            piece if isinstance(piece, str) else self._variable(text, at, piece) for at, piece in enumerate(pieces)
        )

    def _variable(self, text: Text, at: int, variable: Variable) -> Expression:
        def value(scope: Scope, _brief: bool) -> Any:
            try:
                return variable.look_up(scope)
            except LookupError:
                return self._otherwise(text, at, scope)

        first, *others = variable.names
        return Expression(
            text=text,
            meter=self._meter,
            names=frozenset((first,)),
            compiled=value,
            variable=None if others else first,
            start=variable.start,
            end=variable.end,
        )

    def _otherwise(self, text: Text, at: int, scope: Scope) -> Any:
        """Evaluate part of a text as Jinja does, which knows what else a name can be, or says what is missing."""
        if text not in self._by_jinja:
            self._by_jinja[text] = self._jinja.parts(text)
        part = self._by_jinja[text][at]
        return part if isinstance(part, str) else part.value(scope)

    @cached_property
    def _jinja(self) -> "JinjaTemplates":
        # It takes longer to load than a small plan to make.
        from specrun.plan.jinja import JinjaTemplates  # noqa: PLC0415

        return JinjaTemplates(self._functions, self._meter, self._faults)

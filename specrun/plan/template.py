"""Compiled templates: split into parts that depend on as few names as they can, and evaluated in bounds."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from specrun.diagnostics import Diagnostic, Span, nearest
from specrun.plan.bounds import Meter, TooMuchError
from specrun.plan.values import plain, text_of
from specrun.spec.nodes import Node
from specrun.spec.text import Text

Scope: TypeAlias = Mapping[str, Any]

# What only `output` knows: names of a run that its request does not depend on, or that follow from it.
LATER = frozenset(("index", "key", "seed", "ext"))
_ELSEWHERE = {name: f"`{name}` is known only in `output`" for name in LATER}
# What other tools have there.
_FOREIGN = {
    "matrix": "an axis is read by its name alone, as in {{ animal }}",
    "null": "nothing is written `none`",
    "env": "templates read no environment: declare it under `vars`; SPECRUN_VAR_… and --var set it",
}

# Those that Jinja has of its own come to these.
EVALUATION_ERRORS = (
    TooMuchError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    MemoryError,
)
# What stands between a message and the name most likely meant.
NEAR = "\x1f"
NOT_DEFINED = re.compile(r"`(\w+)` is not defined here")
_METHOD = re.compile(r"\b(?:[A-Z]\w+\.)?_?(\w+)\(\)")
_NO_FILTER = re.compile(r"No (filter|test) named '(\w+)'\.")
# Such names stand in `map` and `select`, where Jinja reads them only as they run.
_TAKEN_BY_NAME = {
    "filter": "the key of a mapping is taken by map(attribute='…')",
    "test": "tests are named as in selectattr('stock', 'gt', 3)",
}
_NAMED = re.compile(r"`([^`]+)`|(\w+)\(\)")
# By what Python says of operands that do not go together.
_WAYS_OUT = (
    ("concatenate", "join texts with ~, as in {{ a ~ b }}; make numbers of them with `| int` or `| float`"),
    ("not supported between", "texts, numbers and nothing have no order; convert with `| int`, `| float`, `| string`"),
    ("unsupported operand type", "csv holds texts: make numbers of them with `| int` or `| float`"),
    ("cannot be interpreted as an integer", "make a whole number of it with `| int`"),
    ("has no len()", "only texts, lists and mappings have a length"),
    ("is not iterable", "this takes a list, as in [a, b]; make one of a text with `.split(', ')`"),
)
# Python's own words for values, in what it says of them.
_KINDS = {
    "str": "a text",
    "int": "a number",
    "float": "a number",
    "bool": "a boolean",
    "list": "a list",
    "tuple": "a list",
    "dict": "a mapping",
    "NoneType": "nothing (null)",
}
_KIND = re.compile(rf"(?:(?:object|argument) of type )?'({'|'.join(_KINDS)})'(?: object)?")
_SHOWN_NAMES = 12
_MEANT = 3
FAILED = "template failed"
MOST_FAILURES = 50

LARGEST_TEMPLATE = 64 * 1024
# A text with more expressions than this is evaluated as a whole.
MOST_PARTS = 64


class FunctionError(ValueError):
    """A template function's complaint; `token` is what to point at, `hint` says what to do."""

    def __init__(self, message: str, token: str, hint: str = "") -> None:
        super().__init__(message)
        self.token = token
        self.hint = hint


class EvaluationError(Exception):
    """A template that could not be evaluated: what is wrong; nothing where that has been said already.

    `unknown` is a name that the template reads and that nothing defines.
    """

    def __init__(self, *diagnostics: Diagnostic, unknown: str = "") -> None:
        super().__init__("; ".join(diagnostic.summary for diagnostic in diagnostics))
        self._diagnostics = diagnostics
        self._unknown = unknown

    def again(self) -> "EvaluationError":
        """Return another exception that says the same."""
        return EvaluationError(*self._diagnostics, unknown=self._unknown)

    def explained(
        self, reach: Scope | Iterable[str], elsewhere: Mapping[str, str] = _ELSEWHERE
    ) -> tuple[Diagnostic, ...]:
        """Return what is wrong, with the name most likely meant among those in reach, or among their keys.

        `reach` is a scope, or what `in_reach` makes of one. `elsewhere` says of names that are known, though not
        here, what to do.
        """
        if not self._unknown:
            return self._diagnostics
        known = in_reach(reach) if isinstance(reach, Mapping) else list(reach)
        foreign = _FOREIGN.get(self._unknown, "")
        hint = elsewhere.get(self._unknown) or _meant(self._unknown, known) or foreign or _listed(known)
        return tuple(replace(each, hint=hint) for each in self._diagnostics)


class Told(NamedTuple):
    """What to say of an error: what is wrong, what to do, and the word in the template that it is about."""

    detail: str
    hint: str = ""
    token: str = ""


class Expression(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One `{{ … }}`, or a text with statements; `names` are the variables that it reads, `needs` the jobs it names.

    `compiled` gives its value in a scope, where its failures have been explained often enough without a care for
    lines; it is None where the expression did not compile, which has then been said. `variable` is set where the
    expression is nothing but that variable. It stands in the text from `start` up to `end`; `place` finds the part
    of it that an error is about, by the word that it names, in a scope.
    """

    text: Text
    meter: Meter
    names: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    compiled: Callable[[Scope, bool], Any] | None = None
    variable: str | None = None
    start: int = 0
    end: int = 0
    place: Callable[[BaseException, str, Scope], tuple[int, int]] | None = None
    failures: list[EvaluationError] = msgspec.field(default_factory=list)

    def value(self, scope: Scope) -> Any:
        """Evaluate to plain data and images; raise `EvaluationError` with the place of what failed."""
        if self.compiled is None or self.meter.empty:
            raise EvaluationError
        self.meter.refill()
        try:
            # The same slip in 100,000 cells need not be looked into each time.
            return plain(self.compiled(scope, self._known_well), self.meter)
        except Exception as error:  # noqa: BLE001 - what is not a template's fault is raised again
            raise self._failure(error, scope) from None

    def string(self, scope: Scope) -> str:
        """Evaluate to a text."""
        value = self.value(scope)
        try:
            return text_of(value)
        except Exception as error:  # noqa: BLE001 - as above
            raise self._failure(error, scope) from None

    @property
    def _known_well(self) -> bool:
        return len(self.failures) >= MOST_FAILURES

    def _failure(self, error: Exception, scope: Scope) -> EvaluationError:
        """Return what to say of an error; raise it where it is not the template's."""
        # Most specs have no faults, and many no need of Jinja, whose errors these are.
        from jinja2.exceptions import TemplateError  # noqa: PLC0415

        if not isinstance(error, (TemplateError, *EVALUATION_ERRORS)):
            raise error
        if not self._known_well:
            self.failures.append(self._explained(error, scope))
        # Not the same exception again: its traceback would grow with every cell.
        return self.failures[-1].again()

    def _explained(self, error: Exception, scope: Scope) -> EvaluationError:
        from jinja2.exceptions import UndefinedError  # noqa: PLC0415 - as above

        told = tell(error)
        place = (self.start, self.end) if self.place is None else self.place(error, told.token, scope)
        undeclared = told.token and f"vars.{told.token}" in self.text.text
        hint = told.hint or ("declare it under the spec's `vars`" if undeclared else "")
        fault = Diagnostic(summary=FAILED, detail=told.detail, span=self.text.at(*place), hint=hint)
        found = NOT_DEFINED.fullmatch(told.detail) if isinstance(error, UndefinedError) else None
        return EvaluationError(fault) if found is None else EvaluationError(fault, unknown=found[1])


class Constant(msgspec.Struct, frozen=True, kw_only=True):
    """A value without templates; `node` is where it is written."""

    value: Any
    span: Span
    node: Node | None = None


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """A text of literal parts and expressions, joined."""

    parts: tuple[str | Expression, ...]
    span: Span


class ListOf(msgspec.Struct, frozen=True, kw_only=True):
    """A list with templates somewhere in it."""

    items: "tuple[Value, ...]"
    span: Span


class MappingOf(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping with templates somewhere in it."""

    items: "tuple[tuple[str, Value], ...]"
    span: Span


class Native(msgspec.Struct, frozen=True, kw_only=True):
    """A scalar that is exactly one `{{ … }}`: it keeps its type."""

    expression: Expression
    span: Span


Value: TypeAlias = Constant | Joined | ListOf | MappingOf | Native


def names_in(value: Value) -> frozenset[str]:
    """Return every variable that a value reads."""
    return frozenset().union(*(expression.names for expression in _expressions(value)))


def needs_in(value: Value) -> frozenset[str]:
    """Return every job whose outputs a value names in so many words."""
    return frozenset().union(*(expression.needs for expression in _expressions(value)))


def _expressions(value: Value) -> Iterator[Expression]:
    match value:
        case Constant():
            pass
        case Native():
            yield value.expression
        case Joined():
            yield from (part for part in value.parts if isinstance(part, Expression))
        case ListOf():
            for item in value.items:
                yield from _expressions(item)
        case MappingOf():
            for _, item in value.items:
                yield from _expressions(item)


def evaluate(value: Value, scope: Scope) -> Any:
    """Evaluate a compiled value; raise `EvaluationError` with the place of what failed."""
    match value:
        case Constant():
            return value.value
        case Native():
            return value.expression.value(scope)
        case Joined():
            return join(value, scope)
        case ListOf():
            return [evaluate(item, scope) for item in value.items]
        case MappingOf():
            return {name: evaluate(item, scope) for name, item in value.items}


def join(value: Joined, scope: Scope) -> str:
    """Evaluate a text template."""
    return "".join(part if isinstance(part, str) else part.string(scope) for part in value.parts)


def tell(error: BaseException) -> Told:
    """Word a failed evaluation."""
    from jinja2.exceptions import TemplateError  # noqa: PLC0415 - only for a fault

    message = error.message or "" if isinstance(error, TemplateError) else str(error)
    detail, _, near = (_METHOD.sub(r"\1()", message.partition("\n")[0]) or type(error).__name__).partition(NEAR)
    if isinstance(error, FunctionError):
        return Told(detail, error.hint, error.token)
    if isinstance(error, RecursionError):
        return Told("the template nests too deeply")
    if isinstance(error, OverflowError):
        return Told("a number is too large")
    detail = _KIND.sub(lambda found: _KINDS[found[1]], detail)
    if isinstance(error, TypeError) and (known := next((way for words, way in _WAYS_OUT if words in detail), "")):
        return Told(detail, known)
    if found := _NO_FILTER.fullmatch(detail):
        return Told(f"spec templates have no {found[1]} `{found[2]}`", _TAKEN_BY_NAME[found[1]])
    named = _NAMED.search(detail)
    return Told(detail, near, (named[1] or named[2]) if named else "")


def in_reach(scope: Scope) -> list[str]:
    """Return the names of a scope, and behind them the keys of its mappings, as templates write them."""
    inner = [
        f"{name}.{key}"
        for name, value in scope.items()
        if isinstance(value, Mapping)
        for key in value
        if isinstance(key, str) and key.isidentifier()
    ]
    return [*scope, *inner]


def _meant(unknown: str, known: list[str]) -> str:
    """Return a hint at what is called so elsewhere, or nearly so here; empty where nothing is."""
    exact = [name for name in known if name.endswith(f".{unknown}")]
    if not exact:
        by_last = {name.rpartition(".")[2]: name for name in reversed(known)}
        exact = [by_last[last] for last in nearest(unknown, by_last)]
    shown = " or ".join(f'"{name}"' for name in exact[:_MEANT])
    return f"did you mean {shown}?" if shown else ""


def _listed(known: list[str]) -> str:
    names = [name for name in known if "." not in name]
    return f"in reach here: {', '.join(names[:_SHOWN_NAMES])}" + (", …" if len(names) > _SHOWN_NAMES else "")

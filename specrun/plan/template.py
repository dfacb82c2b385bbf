"""Templates, compiled once and split into parts that depend on as few names as they can."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from jinja2 import meta, nodes
from jinja2.exceptions import TemplateError, TemplateSyntaxError
from jinja2.visitor import NodeTransformer

from specrun.diagnostics import Diagnostic, InvalidInputError, Span
from specrun.plan.sandbox import Sandbox, plain
from specrun.spec.nodes import Mapping as MappingNode
from specrun.spec.nodes import Node, Scalar, Sequence
from specrun.spec.text import Text, scalar_text

Scope: TypeAlias = Mapping[str, Any]

LARGEST_TEMPLATE = 256 * 1024

_EVALUATION_ERRORS = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    MemoryError,
)
_UNSUPPORTED = (nodes.Macro, nodes.CallBlock, nodes.Block, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_NAMED = re.compile(r"`([^`]+)`")
_ADDRESS_IN_MEMORY = re.compile(r" at 0x[0-9a-fA-F]+")


class FunctionError(ValueError):
    """A template function's complaint; `hint` says what to do."""

    def __init__(self, message: str, function: str, hint: str = "") -> None:
        super().__init__(message)
        self.function = function
        self.hint = hint


class EvaluationError(Exception):
    """One template that could not be evaluated: its diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.summary)
        self.diagnostic = diagnostic


@dataclass(frozen=True, kw_only=True, slots=True)
class Expression:
    """One `{{ … }}`, or (`block`) a text with statements; `names` are the variables that it reads.

    `variable` is set where the expression is nothing but that variable.
    """

    text: Text
    names: frozenset[str]
    compiled: Any
    sandbox: Sandbox
    block: bool = False
    variable: str | None = None

    def value(self, scope: Scope) -> Any:
        """Evaluate to plain data and images; raise `EvaluationError` with the place of what failed."""
        self.sandbox.restart()
        try:
            result = self.compiled.render(scope) if self.block else self.compiled(scope)
            return plain(result, self.sandbox)
        except _EVALUATION_ERRORS as error:
            raise EvaluationError(_diagnose(self.text, error)) from None

    def string(self, scope: Scope) -> str:
        """Evaluate to a text."""
        value = self.value(scope)
        try:
            return str(self.sandbox.finalize(value)) if self.sandbox.finalize else str(value)
        except _EVALUATION_ERRORS as error:
            raise EvaluationError(_diagnose(self.text, error)) from None


@dataclass(frozen=True, kw_only=True, slots=True)
class Constant:
    """A value without templates."""

    value: Any
    span: Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """A text of literal parts and expressions, joined."""

    parts: tuple[str | Expression, ...]
    span: Span


@dataclass(frozen=True, kw_only=True, slots=True)
class ListOf:
    """A list with templates somewhere in it."""

    items: "tuple[Value, ...]"
    span: Span


@dataclass(frozen=True, kw_only=True, slots=True)
class MappingOf:
    """A mapping with templates somewhere in it."""

    items: "tuple[tuple[str, Value], ...]"
    span: Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Native:
    """A scalar that is exactly one `{{ … }}`: it keeps its type."""

    expression: Expression
    span: Span


Value: TypeAlias = Constant | Joined | ListOf | MappingOf | Native


class Compiler:
    """Compiles the texts of one spec."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def value(self, node: Node) -> Value:
        """Compile a YAML value: single expressions keep their type, other templates give texts."""
        match node:
            case Scalar():
                if not isinstance(node.value, str):
                    return Constant(value=node.value, span=node.span)
                return self._scalar(scalar_text(node))
            case Sequence():
                items = tuple(self.value(item) for item in node.items)
                if all(isinstance(item, Constant) for item in items):
                    return Constant(value=[item.value for item in items if isinstance(item, Constant)], span=node.span)
                return ListOf(items=items, span=node.span)
            case MappingNode():
                pairs = tuple((str(key.value), self.value(value)) for key, value in node.pairs())
                if all(isinstance(value, Constant) for _, value in pairs):
                    bare = {name: value.value for name, value in pairs if isinstance(value, Constant)}
                    return Constant(value=bare, span=node.span)
                return MappingOf(items=pairs, span=node.span)

    def text(self, text: Text) -> Joined:
        """Compile a template that always gives a text: a prompt, an output path."""
        body = self._parse(text)
        return Joined(parts=self._parts(text, body), span=text.span)

    def native(self, text: Text) -> Value:
        """Compile a text as `value` does."""
        return self._scalar(text)

    def _scalar(self, text: Text) -> Value:
        if "{" not in text.text:
            return Constant(value=text.text, span=text.span)
        body = self._parse(text)
        parts = self._parts(text, body)
        if len(parts) == 1 and isinstance(parts[0], Expression) and not parts[0].block:
            return Native(expression=parts[0], span=text.span)
        if all(isinstance(part, str) for part in parts):
            return Constant(value="".join(str(part) for part in parts), span=text.span)
        return Joined(parts=parts, span=text.span)

    def _parse(self, text: Text) -> nodes.Template:
        if len(text.text) > LARGEST_TEMPLATE:
            raise InvalidInputError(
                _fault(text, "template too large", f"templates end at {LARGEST_TEMPLATE:,} characters")
            )
        try:
            template = self._sandbox.parse(text.text)
            for node in template.find_all(_UNSUPPORTED):
                word = type(node).__name__.lower()
                raise InvalidInputError(
                    _fault(
                        text, "unsupported statement", f"`{{% {word} %}}` is not part of spec templates", node.lineno
                    )
                )
            for loop in template.find_all(nodes.For):
                if loop.recursive:
                    raise InvalidInputError(
                        _fault(
                            text,
                            "unsupported statement",
                            "`recursive` loops are not part of spec templates",
                            loop.lineno,
                        )
                    )
            _Bounded().visit(template)
        except TemplateSyntaxError as error:
            raise InvalidInputError(_fault(text, "template syntax", f"{error.message}", error.lineno)) from None
        except RecursionError:
            raise InvalidInputError(_fault(text, "template syntax", "the template nests too deeply")) from None
        return template

    def _parts(self, text: Text, template: nodes.Template) -> tuple[str | Expression, ...]:
        if not all(isinstance(node, nodes.Output) for node in template.body):
            return (self._compile(text, template, block=True),)
        parts: list[str | Expression] = []
        for output in template.body:
            for node in output.nodes if isinstance(output, nodes.Output) else ():
                if isinstance(node, nodes.TemplateData):
                    parts.append(node.data)
                else:
                    assign = nodes.Assign(nodes.Name("result", "store", lineno=1), node, lineno=node.lineno)
                    wrapped = nodes.Template([assign], lineno=node.lineno)
                    wrapped.set_environment(self._sandbox)
                    variable = node.name if isinstance(node, nodes.Name) else None
                    parts.append(self._compile(text, wrapped, block=False, variable=variable))
        return tuple(parts)

    def _compile(self, text: Text, template: nodes.Template, *, block: bool, variable: str | None = None) -> Expression:
        try:
            names = frozenset(meta.find_undeclared_variables(template))
            compiled: Any = self._sandbox.from_string(template)
        except (TemplateError, RecursionError, SyntaxError, MemoryError) as error:
            raise InvalidInputError(_diagnose(text, error)) from None
        if not block:
            compiled = _result_of(compiled, self._sandbox)
        return Expression(
            text=text, names=names, compiled=compiled, sandbox=self._sandbox, block=block, variable=variable
        )


def _result_of(template: Any, sandbox: Sandbox) -> Any:
    """Return a function that evaluates a template's `result`, like `Environment.compile_expression`."""

    def evaluate(scope: Scope) -> Any:
        context = template.new_context(dict(scope))
        try:
            for _ in template.root_render_func(context):
                pass
        except Exception:  # noqa: BLE001 - only to add the template's line, then raised again
            sandbox.handle_exception()
        return context.vars["result"]

    return evaluate


class _Bounded(NodeTransformer):
    """Puts the budget where templates could run away: loops, and `~`."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - Jinja's visitor names
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_loop", [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802 - Jinja's visitor names
        self.generic_visit(node)
        first, *rest = node.nodes
        return nodes.Filter(first, "_concat", rest, [], None, None, lineno=node.lineno)


def names_in(value: Value) -> frozenset[str]:
    """Return every variable that a value reads."""
    match value:
        case Constant():
            return frozenset()
        case Native():
            return value.expression.names
        case Joined():
            return frozenset().union(*(part.names for part in value.parts if isinstance(part, Expression)))
        case ListOf():
            return frozenset().union(*(names_in(item) for item in value.items))
        case MappingOf():
            return frozenset().union(*(names_in(item) for _, item in value.items))


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


def _diagnose(text: Text, error: BaseException) -> Diagnostic:
    """Word a failed evaluation, with the line that Jinja's traceback tells."""
    line = 1
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, TemplateSyntaxError):
        line = error.lineno
    message = error.message or "" if isinstance(error, TemplateError) else str(error)
    detail = _ADDRESS_IN_MEMORY.sub("", message.partition("\n")[0]) or type(error).__name__
    hint, token = "", ""
    if isinstance(error, FunctionError):
        hint, token = error.hint, error.function
    elif isinstance(error, RecursionError):
        detail = "the template nests too deeply"
    elif named := _NAMED.search(detail):
        token = named.group(1)
    return Diagnostic(summary="template failed", detail=detail, span=text.place(line, token), hint=hint)


def _fault(text: Text, summary: str, detail: str, line: int = 1) -> Diagnostic:
    return Diagnostic(summary=summary, detail=detail, span=text.place(line))

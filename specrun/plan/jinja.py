"""Templates that Jinja reads, split into parts that can be evaluated."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Undefined, meta, nodes
from jinja2.exceptions import TemplateError, TemplateSyntaxError
from jinja2.visitor import NodeTransformer

from specrun.diagnostics import Collector, Diagnostic, did_you_mean
from specrun.plan.bounds import Meter
from specrun.plan.sandbox import COMPARE, CONCAT, LOOP, WEIGH, Sandbox
from specrun.plan.template import LARGEST_TEMPLATE, MOST_PARTS, NEAR, Expression, Scope, diagnose
from specrun.spec.text import Text

_UNSUPPORTED = (nodes.Macro, nodes.CallBlock, nodes.Block, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_NOT_THERE = re.compile(r"No (filter|test) named '(.+)'\.")
_SIGNS = (
    ("'end of print statement'", "`}}`"),
    ("'end of statement block'", "`%}`"),
    ("Jinja was looking for the following tags: ", "It lacks "),
)
_BRACES = re.compile(r"\{\{\s*(.+?)\s*\}\}", re.DOTALL)
_SHOWN = 60
_COMPILE_ERRORS = (TemplateError, RecursionError, SyntaxError, MemoryError)
_WORDS = {nodes.CallBlock: "call", nodes.FromImport: "from"}


class JinjaTemplates:
    """The templates of one spec that Jinja reads; what does not compile is said once."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]], meter: Meter, faults: Collector) -> None:
        self._sandbox = Sandbox(functions, meter)
        self._faults = faults

    def parts(self, text: Text) -> tuple[str | Expression, ...]:
        """Return a text's literal parts and expressions; as one expression where it has statements, or too many."""
        try:
            template = self._parsed(text)
        except _COMPILE_ERRORS as error:
            return (self._refused(text, error),)
        outputs = [node for node in template.body if isinstance(node, nodes.Output)]
        pieces = [node for output in outputs for node in output.nodes]
        if len(outputs) < len(template.body) or len(pieces) > MOST_PARTS:
            return (self._compiled(text, template),)
        return tuple(
            piece.data if isinstance(piece, nodes.TemplateData) else self._expression(text, piece) for piece in pieces
        )

    def _refused(self, text: Text, error: BaseException) -> Expression:
        """Say why a template does not compile, and return what fails without another word."""
        fault = diagnose(text, error)
        if isinstance(error, TemplateSyntaxError):
            fault = self._syntax_fault(text, error)
        self._faults.add(fault)
        return Expression(text=text, meter=self._sandbox.meter)

    def _syntax_fault(self, text: Text, error: TemplateSyntaxError) -> Diagnostic:
        detail, _, hint = (error.message or "").partition(NEAR)
        token = ""
        for jinja, sign in _SIGNS:
            detail = detail.replace(jinja, sign)
        if found := _NOT_THERE.fullmatch(detail):
            kind, token = found.groups()
            known = self._sandbox.filters if kind == "filter" else self._sandbox.tests
            detail, hint = f"spec templates have no {kind} `{token}`", did_you_mean(token, known)
        elif detail.endswith("got '='"):
            hint = "compare with =="
        return Diagnostic(summary="template syntax", detail=detail, span=text.place(error.lineno, token), hint=hint)

    def _parsed(self, text: Text) -> nodes.Template:
        if len(text.text) > LARGEST_TEMPLATE:
            raise TemplateSyntaxError(f"the template is longer than {LARGEST_TEMPLATE:,} characters", 1)
        template = self._sandbox.parse(text.text)
        for node in template.find_all(_UNSUPPORTED):
            word = _WORDS.get(type(node)) or type(node).__name__.lower()
            raise TemplateSyntaxError(f"`{{% {word} %}}` is not part of spec templates", node.lineno)
        for loop in template.find_all(nodes.For):
            if loop.recursive:
                raise TemplateSyntaxError("`recursive` loops are not part of spec templates", loop.lineno)
        for const in template.find_all(nodes.Const):
            if isinstance(const.value, str) and _BRACES.search(const.value):
                detail = f"braces within braces: {const.value[:_SHOWN]!r} is taken as it stands"
                raise TemplateSyntaxError(f"{detail}{NEAR}join its parts: {_unbraced(const.value)}", const.lineno)
        _Bounding().visit(template)
        return template

    def _compiled(self, text: Text, template: nodes.Template) -> Expression:
        try:
            render = self._sandbox.from_string(template).render
            names, needs = self._names(template), _needs(template)
        except _COMPILE_ERRORS as error:
            return self._refused(text, error)
        return Expression(
            text=text,
            meter=self._sandbox.meter,
            names=names,
            needs=needs,
            compiled=self._briefly(render),
            functions=self._sandbox.globals,
        )

    def _expression(self, text: Text, node: nodes.Expr) -> Expression:
        assign = nodes.Assign(nodes.Name("result", "store", lineno=1), node, lineno=node.lineno)
        template = nodes.Template([assign], lineno=node.lineno)
        template.set_environment(self._sandbox)
        try:
            result = _result_of(self._sandbox.from_string(template), self._sandbox)
            names, needs = self._names(template), _needs(template)
        except _COMPILE_ERRORS as error:
            return self._refused(text, error)
        return Expression(
            text=text,
            meter=self._sandbox.meter,
            names=names,
            needs=needs,
            compiled=self._briefly(result),
            variable=node.name if isinstance(node, nodes.Name) else None,
            line=node.lineno,
            functions=self._sandbox.globals,
        )

    def _briefly(self, evaluate: Callable[[Scope], Any]) -> Callable[[Scope, bool], Any]:
        """Return a function that evaluates in brief where it is told to."""

        def evaluated(scope: Scope, brief: bool) -> Any:
            self._sandbox.brief = brief
            value = evaluate(scope)
            return "" if type(value) is Undefined else value  # what an `if` without `else` gives

        return evaluated

    def _names(self, template: nodes.Template) -> frozenset[str]:
        # Jinja leaves out the functions' names, which an axis may have too, and then it is the axis that is meant.
        read = {name.name for name in template.find_all(nodes.Name) if name.ctx == "load"}
        return frozenset(meta.find_undeclared_variables(template) | (read & self._sandbox.globals.keys()))


def _unbraced(text: str) -> str:
    """Return the expression meant by a text with variables in braces: `'a/{{ x }}.png'` is `'a/' ~ x ~ '.png'`."""
    parts = [part if number % 2 else part and repr(part) for number, part in enumerate(_BRACES.split(text))]
    return " ~ ".join(part for part in parts if part)


def _needs(template: nodes.Template) -> frozenset[str]:
    calls = [
        call.args[0]
        for call in template.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in ("output", "outputs") and call.args
    ]
    return frozenset(str(job.value) for job in calls if isinstance(job, nodes.Const))


class _Bounding(NodeTransformer):
    """Puts the sandbox's filters where templates could run away: loops, comparisons, slices, `~`."""

    def __init__(self) -> None:
        self._visited = 0

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        self._visited += 1
        return super().visit(node, *args, **kwargs)

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - Jinja's visitor names
        before = self._visited
        self.generic_visit(node)
        # A loop's step costs as much as there is in its body.
        node.iter = _filter(LOOP, node.iter, nodes.Const(self._visited - before, lineno=node.lineno))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        first, *rest = node.nodes
        return _filter(CONCAT, first, *rest)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Expr:  # noqa: N802
        self.generic_visit(node)
        left = node.expr
        result: nodes.Expr | None = None
        for operand in node.ops:
            pair: nodes.Expr = _filter(COMPARE, left, operand.expr, nodes.Const(operand.op, lineno=node.lineno))
            result = pair if result is None else nodes.And(result, pair, lineno=node.lineno)
            left = operand.expr
        return node if result is None else result

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Getitem:  # noqa: N802
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _filter(WEIGH, node.node)
        return node


def _filter(name: str, first: Any, *rest: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(first, name, list(rest), [], None, None, lineno=first.lineno)


def _result_of(template: Any, sandbox: Sandbox) -> Callable[[Scope], Any]:
    """Return a function that evaluates a template's `result`, like `Environment.compile_expression`."""

    def result(scope: Scope) -> Any:
        context = template.new_context(dict(scope))
        try:
            for _ in template.root_render_func(context):
                pass
        except Exception:  # noqa: BLE001 - only to add the template's line, then raised again
            sandbox.handle_exception()
        return context.vars["result"]

    return result

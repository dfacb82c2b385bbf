"""Templates that Jinja reads, split into parts that can be evaluated."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Undefined, meta, nodes
from jinja2.exceptions import TemplateError, TemplateSyntaxError
from jinja2.visitor import NodeTransformer

from specrun.diagnostics import Collector, Diagnostic, did_you_mean
from specrun.plan.bounds import Meter, check_data
from specrun.plan.failing import Failing, start_of
from specrun.plan.sandbox import COMPARE, CONCAT, LOOP, MADE, WEIGH, Sandbox
from specrun.plan.template import EVALUATION_ERRORS, FAILED, LARGEST_TEMPLATE, MOST_PARTS, NEAR, Expression, Scope, tell
from specrun.spec.text import Text

_UNSUPPORTED = (nodes.Macro, nodes.CallBlock, nodes.Block, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_NOT_THERE = re.compile(r"No (filter|test) named '(.+)'\.")
_SIGNS = (
    ("'end of print statement'", "`}}`"),
    ("'end of statement block'", "`%}`"),
    ("Jinja was looking for the following tags: ", "It lacks "),
)
# By what Jinja says, and on the next line the template from there on.
_SLIPS = (
    (re.compile(r"got '='\n"), "compare with =="),
    (re.compile(r"unexpected '}'\n"), "an expression ends with two braces: {{ … }}"),
    (re.compile(r"got '}'\n"), "braces do not stand within braces: name the variable alone"),
    (re.compile(r"\n[\u2018-\u201f]"), "write straight quotes, ' or \""),
    (re.compile(r"\n&&?"), "write `and`"),
    (re.compile(r"\n\|\|?"), "write `or`; one | stands before a filter"),
    (re.compile(r"\n!(?!=)"), "write `not`"),
    (re.compile(r"\n\?"), "write {{ a if condition else b }}"),
    (re.compile(r"Unexpected end of template"), "close it, as in {% if … %} … {% endif %}"),
)
_TOKEN = re.compile(r"\w+|[-+]?[%}]}|.")
_AT = re.compile(r" at \d+$")
# Jinja evaluates what is constant as it compiles.
_COMPILE_ERRORS = (TemplateError, SyntaxError, *EVALUATION_ERRORS)
_BRACES = re.compile(r"\{\{\s*(.+?)\s*\}\}", re.DOTALL)
_SHOWN = 60
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

    def _refused(self, text: Text, error: BaseException, part: nodes.Node | None = None) -> Expression:
        """Say why a template, or a part of it, does not compile, and return what fails without another word."""
        if isinstance(error, TemplateSyntaxError):
            self._faults.add(self._syntax_fault(text, error))
        else:
            told = tell(error)
            span = text.span if part is None else text.at(*self._places(text, part)(error, "", {}))
            self._faults.add(Diagnostic(summary=FAILED, detail=told.detail, span=span, hint=told.hint))
        return Expression(text=text, meter=self._sandbox.meter)

    def _syntax_fault(self, text: Text, error: TemplateSyntaxError) -> Diagnostic:
        detail, _, hint = (error.message or "").partition(NEAR)
        start = error.lineno - 1
        length = len(found[0]) if (found := _TOKEN.match(text.text, start)) else 1
        for jinja, sign in _SIGNS:
            detail = detail.replace(jinja, sign)
        detail = _AT.sub("", detail)
        if found := _NOT_THERE.fullmatch(detail):
            kind, token = found.groups()
            known = self._sandbox.filters if kind == "filter" else self._sandbox.tests
            detail, hint = f"spec templates have no {kind} `{token}`", did_you_mean(token, known)
            start, length = max(text.text.find(token, start), start), len(token)
        else:
            hint = hint or next((way for slip, way in _SLIPS if slip.search(f"{detail}\n{text.text[start:]}")), "")
        return Diagnostic(summary="template syntax", detail=detail, span=text.at(start, start + length), hint=hint)

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
            place=self._places(text, template),
        )

    def _expression(self, text: Text, node: nodes.Expr) -> Expression:
        try:
            template = self._assigned(node)
            result = _result_of(self._sandbox.from_string(template), self._sandbox)
            names, needs = self._names(template), _needs(template)
        except _COMPILE_ERRORS as error:
            nested = isinstance(error, RecursionError)
            return self._refused(text, error, None if nested else node)
        return Expression(
            text=text,
            meter=self._sandbox.meter,
            names=names,
            needs=needs,
            compiled=self._briefly(result),
            variable=node.name if isinstance(node, nodes.Name) else None,
            place=self._places(text, node),
        )

    def _assigned(self, node: nodes.Expr) -> nodes.Template:
        """Return a template that does nothing but evaluate an expression."""
        start = start_of(node)
        assign = nodes.Assign(nodes.Name("result", "store", lineno=1), node, lineno=start)
        template = nodes.Template([assign], lineno=start)
        template.set_environment(self._sandbox)
        return template

    def _places(self, text: Text, tree: nodes.Node) -> Callable[[BaseException, str, Scope], tuple[int, int]]:
        return Failing(text.text, tree, self._sandbox.lex, self._alone).place

    def _alone(self, node: nodes.Expr, scope: Scope) -> None:
        """Evaluate a part of a template by itself."""
        check_data(_result_of(self._sandbox.from_string(self._assigned(node)), self._sandbox)(scope))

    def _briefly(self, evaluate: Callable[[Scope], Any]) -> Callable[[Scope, bool], Any]:
        """Return a function that evaluates in brief where it is told to."""

        def evaluated(scope: Scope, brief: bool) -> Any:
            self._sandbox.brief = brief
            self._sandbox.begin()
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
    """Puts the sandbox's filters where templates could run away: loops, comparisons, slices, `~`, literals."""

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

    def visit_List(self, node: nodes.List) -> nodes.Expr:  # noqa: N802
        self.generic_visit(node)
        return node if _small(node.items) else _filter(MADE, node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Expr:  # noqa: N802
        self.generic_visit(node)
        return node if node.ctx != "load" or _small(node.items) else _filter(MADE, node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Expr:  # noqa: N802
        self.generic_visit(node)
        return node if _small([part for pair in node.items for part in (pair.key, pair.value)]) else _filter(MADE, node)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Getitem:  # noqa: N802
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _filter(WEIGH, node.node)
        return node


def _small(parts: list[Any]) -> bool:
    """Whether a literal holds nothing but what is written in it, and so is no larger than the template."""
    return all(isinstance(part, nodes.Const) for part in parts)


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

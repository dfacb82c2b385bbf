"""Where in a template an evaluation failed: the part that fails by itself, of those that its error can mean."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError

from specrun.plan.template import Scope, tell
from specrun.plan.tokens import placed

_ENDS = frozenset(("variable_end", "block_end"))
_EMPTY = frozenset(("whitespace", "variable_begin", "block_begin"))


class _Part(NamedTuple):
    """A part of a template, from `start` up to `end`, and the expression that fails if it is what is wrong."""

    start: int
    end: int
    node: nodes.Expr | None


class Failing:
    """Finds the place of a failure in one template.

    `tree` is parsed so that the line of a node is the place of its token, counted from 1; `lex` gives the template's
    tokens, `evaluate` the value of a part of it in a scope.
    """

    def __init__(
        self,
        text: str,
        tree: nodes.Node,
        lex: Callable[[str], Any],
        evaluate: Callable[[nodes.Expr, Scope], Any],
    ) -> None:
        self._text = text.replace("\r\n", "\n").replace("\r", "\n")
        self._tree = tree
        self._lex = lex
        self._evaluate = evaluate

    def place(self, error: BaseException, token: str, scope: Scope) -> tuple[int, int]:
        """Return from where to where the text is wrong that an error is about, and the word that it names."""
        start, end = self._extent(_statement(error) or start_of(self._tree))
        parts = sorted(_named(self._tree, token, self._text), key=lambda part: (part.start < start, part.start))
        if len(parts) > 1:
            parts = [part for part in parts if self._fails(part, error, scope)] or parts
        if parts:
            return parts[0].start, parts[0].end
        found = _word(token).search(self._text, start, end) if token else None
        return found.span() if found else (start, end)

    def _extent(self, place: int) -> tuple[int, int]:
        """Return from where to where the expression or statement goes in which a place is, without its braces."""
        start, last = place, place
        try:
            for at, kind, text in placed(self._text, self._lex(self._text)):
                if at >= place and kind in _ENDS:
                    break
                if kind in _EMPTY and at < place:
                    start = at + len(text)
                if at >= place and kind not in _EMPTY:
                    last = at + len(text)
        except TemplateSyntaxError:
            pass
        return place - 1, max(last, start) - 1

    def _fails(self, part: _Part, error: BaseException, scope: Scope) -> bool:
        if part.node is None:
            return False
        try:
            self._evaluate(part.node, scope)
        except Exception as other:  # noqa: BLE001 - whatever it is, it is this one or another
            return tell(other) == tell(error)
        return False


def start_of(tree: nodes.Node) -> int:
    """Return where a part of a template begins, which is not always where its own token stands."""
    return min([tree.lineno, *(node.lineno for node in tree.find_all(nodes.Node) if node.lineno)])


def _statement(error: BaseException) -> int | None:
    """Return where the statement stands that failed, as Jinja's traceback has it."""
    place, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            place = trace.tb_lineno
        trace = trace.tb_next
    return place


def _word(token: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(token)}(?!\w)")


def _named(tree: nodes.Node, token: str, text: str) -> Iterator[_Part]:
    """Yield the names, keys, filters, tests, functions and texts of a template that are called so."""
    if not token:
        return
    called = {id(call.node): call for call in tree.find_all(nodes.Call)}
    for node in tree.find_all((nodes.Expr, nodes.Keyword)):
        begin, alone = _where(node, token)
        if isinstance(node, nodes.Keyword):
            # Its place is that of the value behind it.
            begin = text.rfind(token, 0, node.value.lineno - 1)
        found = _word(token).search(text, begin) if alone is not None and begin >= 0 else None
        if found:
            whole = called.get(id(node), node)
            yield _Part(*found.span(), whole if alone and isinstance(whole, nodes.Expr) else None)


def _where(node: nodes.Node, token: str) -> tuple[int, bool | None]:
    """Return from where on a node's text has the word, and whether it can be evaluated alone; None for another's."""
    match node:
        case nodes.Name(name=name) | nodes.Getattr(attr=name) | nodes.Filter(name=name) | nodes.Test(name=name):
            return node.lineno - 1, True if name == token else None
        case nodes.Getitem(arg=nodes.Const(value=value) as key):
            return key.lineno - 1, True if str(value) == token else None
        case nodes.Const(value=value):
            return node.lineno - 1, False if value == token else None
        case nodes.Keyword(key=key):
            return 0, False if key == token else None
        case _:
            return 0, None

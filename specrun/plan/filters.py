"""The filters and tests of templates: those of Jinja that are deterministic, in bounds, and speak of data only."""

import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

from jinja2 import pass_environment
from jinja2.filters import FILTERS, make_attrgetter, sync_do_slice
from jinja2.sandbox import SandboxedEnvironment
from jinja2.tests import TESTS

from specrun.plan.bounds import LARGEST_WIDTH, TooMuchError, check_data, check_growth, describe
from specrun.plan.labels import slug
from specrun.plan.numbers import fractional, refuse_mistaken, rounded, whole
from specrun.plan.template import FunctionError
from specrun.plan.values import text_of

# What Jinja does with these is bounded by what it is given.
_PASSED_ON = (
    "count d default dictsort filesizeformat first groupby items last length list map "
    "reject rejectattr reverse select selectattr sort"
).split()
_OF_A_TEXT = "capitalize lower title upper wordcount".split()
# These look at every item, those below at none but the items themselves.
ITERATING = frozenset("join map max min reject rejectattr select selectattr sum".split())
AT_THE_TOP = frozenset(
    "batch count d default defined first items iterable join last length list map mapping none reject rejectattr "
    "reverse select selectattr sequence slice string sum undefined".split()
)
_JINJA_TESTS: Mapping[str, Any] = TESTS
# `sameas` tells where values are kept, `callable` what is not data.
_NO_TESTS = frozenset("callable escaped filter sameas test".split())
COMPARING_TESTS = frozenset("!= < <= == > >= eq equalto ge greaterthan gt in le lessthan lt ne".split())
_OF_NUMBERS = ("odd", "even", "divisibleby")
# By the names of tests, and by those that Jinja's syntax tree gives operators.
COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    **{name: _JINJA_TESTS[name] for name in COMPARING_TESTS},
    "gteq": operator.ge,
    "lteq": operator.le,
    "notin": lambda one, other: one not in other,
}

_DIRECTIVE = re.compile(
    r"%(\([^()]*\))?[-#0 +]*(?P<width>\*|\d+)?(?:\.(?P<precision>\*|\d+)?)?[hlL]?(?P<kind>.)", re.DOTALL
)


def concat(*parts: Any) -> str:
    """Join parts as `~` does."""
    texts = [text_of(part) for part in parts]
    check_growth(sum(map(len, texts)))
    return "".join(texts)


def format_text(template: str, values: Any) -> str:
    """Apply `%`, as in `'%03d' % index`; what comes out is bounded before it is made."""
    given = values.values() if isinstance(values, Mapping) else values if isinstance(values, tuple) else (values,)
    longest = max((len(text_of(value)) for value in given), default=0)
    size = len(template)
    rest = _DIRECTIVE.sub("", template.replace("%%", ""))
    if "%" in rest:
        raise ValueError("the format is incomplete; write %% for a percent sign")
    for directive in _DIRECTIVE.finditer(template.replace("%%", "")):
        if directive["kind"] not in "diouxXeEfFgGsc":
            raise ValueError(f"the format has no %{directive['kind']}")
        if "*" in (directive["width"], directive["precision"]):
            raise TooMuchError("the format takes its widths written out, not as *")
        widths = [int(text[:9]) for text in (directive["width"], directive["precision"]) if text]
        size += longest + sum(widths)
    check_growth(size)
    if isinstance(values, Mapping):
        return template % {key: _scalar(value) for key, value in values.items()}
    return template % tuple([_scalar(value) for value in given])


def _scalar(value: Any) -> Any:
    return value if isinstance(value, (int, float)) else text_of(value)


def _format(value: Any, *args: Any, **kwargs: Any) -> str:
    if args and kwargs:
        raise ValueError("`format` takes values by place or by name, not both")
    return format_text(text_of(value), kwargs or args)


def _center(value: Any, width: int = 80) -> str:
    _check_width(width)
    return text_of(value).center(width)


def _indent(value: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> Any:
    text = text_of(value)
    if isinstance(width, int):
        _check_width(width)
    step = len(width) if isinstance(width, str) else width
    check_growth(len(text) + (text.count("\n") + 1) * step)
    return FILTERS["indent"](text, width, first, blank)


def _trim(value: Any, chars: str | None = None) -> str:
    if chars is not None:
        _check_width(len(chars) * 100)
    return text_of(value).strip(chars)


def _slice(value: Any, slices: int, fill_with: Any = None) -> Any:
    _check_width(slices)
    if slices < 1:
        raise ValueError("`slice` takes the number of slices, from 1")
    # Jinja's own name for it wants to be told whether it is to wait for values that are still to come.
    return sync_do_slice(value, slices, fill_with)


def _truncate(
    value: Any,
    length: int = 255,
    killwords: bool = False,
    end: str = "...",
    leeway: int = 5,
) -> str:
    if length < len(end) or leeway < 0:
        raise ValueError(f"`truncate` needs room for its end, {len(end)} characters")
    text = text_of(value)
    if len(text) <= length + leeway:
        return text
    cut = text[: length - len(end)]
    return (cut if killwords else cut.rsplit(" ", 1)[0]) + end


def _batch(value: Iterable[Any], linecount: int, fill_with: Any = None) -> Any:
    _check_width(linecount)
    return FILTERS["batch"](value, linecount, fill_with)


def _abs(value: Any) -> Any:
    return abs(_a_number(value, "abs"))


def _a_number(value: Any, name: str) -> Any:
    """Return what has to be a number already; texts are converted where that is said, so that none is by mistake."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    check_data(value)  # says what is missing, or no data
    hint = "convert it first, with `| int` or `| float`, lists of them with `| map('int')`"
    raise FunctionError(f"`{name}` takes numbers, not {describe(value)}", name, hint)


def _extreme(name: str) -> Callable[..., Any]:
    """Return `min` or `max`, for which texts of csv are no numbers either."""

    @pass_environment
    def extreme(
        environment: SandboxedEnvironment, value: Any, case_sensitive: bool = False, attribute: Any = None
    ) -> Any:
        found = _items(value, name)
        told = found if attribute is None else list(map(make_attrgetter(environment, attribute), found))
        for one, other in pairwise(told):
            refuse_mistaken(one, other, "<")
        return FILTERS[name](environment, found, case_sensitive, attribute)

    return extreme


def _items(value: Any, name: str) -> list[Any]:
    """Return the items of a list; those of a text would be its letters, which nobody means."""
    if isinstance(value, str):
        hint = "split it first, as in `.split('|')`"
        raise FunctionError(f"`{name}` takes a list, and this is a text", name, hint)
    if isinstance(value, Mapping):
        raise FunctionError(f"`{name}` takes a list, and this is a mapping", name, "take its `.values()` or `.keys()`")
    return list(value)


@pass_environment
def _unique(environment: SandboxedEnvironment, value: Any, case_sensitive: bool = True, attribute: Any = None) -> Any:
    return FILTERS["unique"](environment, value, case_sensitive, attribute)


@pass_environment
def _join(environment: SandboxedEnvironment, value: Iterable[Any], d: Any = "", attribute: Any = None) -> str:
    value = _items(value, "join")
    if attribute is not None:
        value = map(make_attrgetter(environment, attribute), value)
    texts, separator = [text_of(item) for item in value], text_of(d)
    check_growth(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _replace(s: Any, old: Any, new: Any, count: int | None = None) -> str:
    text, old, new = text_of(s), text_of(old), text_of(new)
    check_growth(replaced_size(text, old, new))
    return text.replace(old, new, -1 if count is None else count)


def replaced_size(text: str, old: str, new: str) -> int:
    """Return how many characters a text may have once `old` is replaced by `new`."""
    return len(text) + text.count(old) * len(new)


@pass_environment
def _sum(environment: SandboxedEnvironment, value: Iterable[Any], attribute: Any = None, start: float = 0) -> Any:
    """Add numbers; lists would be copied again for each one added."""
    value = _items(value, "sum")
    if attribute is not None:
        value = map(make_attrgetter(environment, attribute), value)
    return sum([_a_number(item, "sum") for item in value], _a_number(start, "sum"))


def _tojson(value: Any, indent: int | None = None) -> str:
    if indent is not None:
        _check_width(indent * 1000)
    check_growth(check_data(value).size)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=indent, default=text_of)


def _slug(value: Any) -> str:
    return slug(text_of(value))


def _check_width(width: Any) -> None:
    if not isinstance(width, int) or abs(width) > LARGEST_WIDTH:
        raise TooMuchError(f"a width is a whole number up to {LARGEST_WIDTH:,}")


def _of_a_text(function: Callable[..., Any]) -> Callable[..., Any]:
    if getattr(function, "jinja_pass_arg", None) is None:
        return lambda value, *args, **kwargs: function(text_of(value), *args, **kwargs)
    return pass_environment(
        lambda environment, value, *args, **kwargs: function(environment, text_of(value), *args, **kwargs)
    )


def _of_numbers(name: str) -> Callable[..., Any]:
    return lambda *given: _JINJA_TESTS[name](*(_a_number(value, name) for value in given))


ALLOWED_TESTS: Mapping[str, Callable[..., Any]] = {
    **{name: test for name, test in _JINJA_TESTS.items() if name not in _NO_TESTS | COMPARING_TESTS},
    **{name: _of_numbers(name) for name in _OF_NUMBERS},
}
ALLOWED_FILTERS: Mapping[str, Callable[..., Any]] = {
    "abs": _abs,
    "batch": _batch,
    "center": _center,
    "float": fractional,
    "format": _format,
    "indent": _indent,
    "int": whole,
    "join": _join,
    "max": _extreme("max"),
    "min": _extreme("min"),
    "replace": _replace,
    "round": rounded,
    "slug": _slug,
    "string": text_of,
    "sum": _sum,
    "slice": _slice,
    "tojson": _tojson,
    "trim": _trim,
    "truncate": _truncate,
    "unique": _unique,
    **{name: _of_a_text(FILTERS[name]) for name in _OF_A_TEXT},
    **{name: FILTERS[name] for name in _PASSED_ON},
}

"""Jinja with nothing random, nothing of the machine and nothing unbounded in reach."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NoReturn

from jinja2 import StrictUndefined, Undefined
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.lexer import TokenStream
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace, missing

from specrun.diagnostics import did_you_mean
from specrun.plan.bounds import (
    IMAGES,
    LARGEST_TEXT,
    MOST_BITS,
    Meter,
    check_data,
    check_growth,
    check_power,
    check_product,
    describe,
    too_large,
)
from specrun.plan.data_files import divided_otherwise
from specrun.plan.filters import (
    ALLOWED_FILTERS,
    ALLOWED_TESTS,
    AT_THE_TOP,
    COMPARING_TESTS,
    COMPARISONS,
    ITERATING,
    concat,
    format_text,
    replaced_size,
)
from specrun.plan.numbers import refuse_mistaken, refuse_numeric_texts
from specrun.plan.template import NEAR
from specrun.plan.tokens import placed
from specrun.plan.values import text_of
from specrun.plan.weights import Weights

_METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(
        "capitalize casefold count endswith find index isalnum isalpha isdecimal isdigit islower isnumeric isspace "
        "istitle isupper join lower lstrip partition removeprefix removesuffix replace rfind rindex rpartition rsplit "
        "rstrip split splitlines startswith strip swapcase title upper".split()
    ),
    dict: frozenset("get items keys values".split()),
    list: frozenset("count index".split()),
    tuple: frozenset("count index".split()),
}
_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))
# Longer lists are data, and looked through by C.
_WRITTEN_OUT = 100
_LONGEST_NAME = 60
# Filters that templates cannot name, as their names hold a space: the compiler puts them where bounds are needed.
LOOP, CONCAT, COMPARE, WEIGH, MADE = " loop", " concat", " compare", " weigh", " made"


class Missing(StrictUndefined):
    """An unknown name: using it says what is known instead."""

    @property
    def _undefined_message(self) -> str:
        name = self._undefined_name
        if self._undefined_hint:
            return self._undefined_hint
        # Anything can stand between brackets; only what a person writes there is repeated.
        told = f"`{str(name)[:_LONGEST_NAME]}`" if isinstance(name, (str, int, float)) else describe(name)
        if self._undefined_obj is missing:
            return f"{told} is not defined here"
        owner = self._undefined_obj
        if isinstance(owner, Mapping):
            known = [str(key) for key in owner]
            near = divided_otherwise(known) or did_you_mean(str(name), known)
            shown = f"the keys are {', '.join(known[:12])}" if known else "there are no keys"
            lacking = f"there is no {told}" if told.startswith("`") else f"{told} is no key"
            return f"{lacking}; {shown}" + (NEAR + near if near else "")
        return f"{told} is not part of {describe(owner)}"


class Sandbox(ImmutableSandboxedEnvironment):
    """An environment for one spec: its evaluations draw on its meter, and what they make has a largest size.

    Values come to be in few places: literals of lists and mappings, operators, calls, filters. Each is weighed there,
    so that no filter, test or function needs to know how deep what it is given can be, or how often it holds one
    part. To handle a value then costs steps by its weight. The nodes of a parsed template have, for a line, the
    place where they stand in it, counted from 1.
    """

    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def __init__(self, functions: Mapping[str, Callable[..., Any]], meter: Meter) -> None:
        super().__init__(undefined=Missing, optimized=False, autoescape=False, cache_size=0)
        self.meter = meter
        self._weights = Weights(meter.spend)
        self.brief = False
        self.globals = {"range": self._range, "dict": self._dict, "namespace": Namespace, **functions}
        self._functions = (self._range, self._dict, Namespace, *functions.values())
        self.filters = {name: self._guarded(name, function) for name, function in ALLOWED_FILTERS.items()}
        self.filters |= {LOOP: self._loop, CONCAT: self._concat, COMPARE: self._compare}
        self.filters |= {WEIGH: self._seen, MADE: self._literal}
        tests: dict[str, Any] = {name: self._guarded(name, function) for name, function in ALLOWED_TESTS.items()}
        self.tests = tests | {name: partial(self._compare, name=name) for name in COMPARING_TESTS}
        self.finalize = text_of
        self.concat = self._join  # type: ignore[method-assign]  # Jinja reads it from the environment

    def begin(self) -> None:
        """Start an evaluation."""
        self._weights.forget()

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        # What the parser calls: the tokens, as Jinja reads them, with their places.
        tokens = placed(source, self.lexer.tokeniter(source, name, filename, state))
        return TokenStream(self.lexer.wrap(tokens, name, filename), name, filename)

    def handle_exception(self, source: str | None = None) -> NoReturn:
        """Raise the current exception again with the template's lines; in brief, as it is."""
        error = sys.exc_info()[1]
        if self.brief and error is not None:
            raise error
        super().handle_exception(source)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Look a key up before a method: a CSV column may be called `items`."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Look up a key; one of several parts is hashed as a whole."""
        if isinstance(argument, tuple):
            self._handle(argument)
        return super().getitem(obj, argument)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Allow data and the listed methods, nothing else."""
        if attr.startswith("_"):
            return False
        of_jinja = type(obj).__module__ == "jinja2.runtime"
        if callable(value):
            return attr in _METHODS.get(type(obj), ()) or (of_jinja and attr in ("cycle", "changed"))
        if isinstance(obj, tuple):
            return attr in getattr(obj, "_fields", ())
        return of_jinja or isinstance(obj, (dict, Namespace, *IMAGES))

    def unsafe_undefined(self, obj: Any, attribute: str) -> Undefined:
        """Stand for what may not be touched; using it says so."""
        return self.undefined(f"`{attribute}` of {describe(obj)} cannot be used here", exc=SecurityError)

    def call(self, context: Any, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function or a listed method; what it makes is bounded before it is made."""
        if isinstance(func, Undefined):
            self._say_what_is_missing(func)
        if func is Namespace:
            return self._namespace(*args, **kwargs)
        for value in (*args, *kwargs.values()):
            self._handle(value)
        if any(func == known for known in self._functions):
            self.meter.spend(1)
            return context.call(func, *args, **kwargs)
        owner = getattr(func, "__self__", None)
        if type(owner) in _METHODS and func.__name__ in _METHODS[type(owner)]:
            self._check_method(owner, func.__name__, args)
        elif type(owner).__module__ != "jinja2.runtime":
            raise SecurityError(f"{describe(func)} cannot be called here")
        return self._kept(context.call(func, *args, **kwargs))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Refuse what would not fit before it is made."""
        self.meter.spend(1)
        match operator:
            case "*":
                refuse_numeric_texts(left, right, "repeated")
                check_product(left, right)
            case "+" if isinstance(left, str) and isinstance(right, str):
                refuse_numeric_texts(left, right, "joined")
            case "**":
                check_power(left, right)
            case "%" if isinstance(left, str):
                return self._kept(format_text(left, right))
        return self._kept(super().call_binop(context, operator, left, right))

    def _check_method(self, owner: Any, name: str, args: tuple[Any, ...]) -> None:
        if not isinstance(owner, str):
            if name in ("count", "index"):
                self._handle(owner)
            else:
                self._seen(owner)
            return
        self._seen(owner)
        if name == "replace" and len(args) > 1:
            check_growth(replaced_size(owner, text_of(args[0]), text_of(args[1])))
        elif name == "join" and args:
            check_growth(sum(len(item) + len(owner) for item in args[0] if isinstance(item, str)))
        else:
            # Searching backwards and stripping may look at all of one text for every character of the other.
            self.meter.spend(sum(len(arg) for arg in args if isinstance(arg, str)) * len(owner) // 64)

    def _guarded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a filter or test: steps for what goes in, bounds on what comes out."""
        passing = getattr(function, "jinja_pass_arg", None)
        at = 0 if passing is None else 1

        look = self._seen if name in AT_THE_TOP else self._handle

        def guarded(*args: Any, **kwargs: Any) -> Any:
            given = [self._settled(arg) for arg in args]
            for value in (*given[at:], *kwargs.values()):
                look(value)
            if name in ITERATING and hasattr(given[at], "__len__") and not isinstance(given[at], Undefined):
                self.meter.spend(len(given[at]))
            found = function(*given, **kwargs)
            # What was there before has been weighed, or comes from a file.
            return found if any(found is value for value in given) else self._kept(found)

        if passing is not None:
            guarded.jinja_pass_arg = passing  # type: ignore[attr-defined]  # how Jinja marks such filters
        return guarded

    def _compare(self, left: Any, right: Any, name: str) -> Any:
        """Compare at a cost that follows from how much may have to be looked at."""
        if name in ("in", "notin"):
            steps = self._search_steps(left, right)
        elif isinstance(left, str) and isinstance(right, str):
            steps = min(len(left), len(right)) // 64
        else:
            steps = self._steps(left) if type(left) is type(right) else 0
        self.meter.spend(1 + steps)
        if name in ("in", "notin") and isinstance(right, (list, tuple)) and len(right) <= _WRITTEN_OUT:
            self.meter.spend(len(right))
            for item in right:
                refuse_mistaken(left, item, "==")
        refuse_mistaken(left, right, name)
        return COMPARISONS[name](left, right)

    def _search_steps(self, needle: Any, haystack: Any) -> int:
        if isinstance(haystack, str):
            return len(haystack) * (1 + min(len(needle) if isinstance(needle, str) else 0, 128)) // 512
        if isinstance(haystack, (list, tuple)):
            if isinstance(needle, (list, tuple, dict)):
                return min(len(haystack) * self._steps(needle), self._steps(haystack))
            return len(haystack) // 16 * (1 + (len(needle) // 64 if isinstance(needle, str) else 0))
        return self._steps(needle)

    def _steps(self, value: Any) -> int:
        """Return what it costs to look at all of a list or mapping."""
        return self._weights.of(value).size // 4 if isinstance(value, (list, tuple, dict)) else 0

    def _handle(self, value: Any) -> None:
        """Spend for looking at all of a value."""
        if isinstance(value, str):
            self.meter.spend(1 + len(value) // 16)
        elif isinstance(value, (list, tuple, dict)):
            self.meter.spend(1 + self._steps(value))

    def _seen(self, value: Any) -> Any:
        """Spend for looking at a value's parts, but not into them, and return it."""
        if isinstance(value, (str, list, tuple, dict)):
            self.meter.spend(1 + len(value) // 16)
        return value

    def _literal(self, value: Any) -> Any:
        """Return a list or mapping that is written out in the template, once it is small enough."""
        if isinstance(value, dict):
            for key in value:
                self._handle(key)  # it has been hashed
        self.meter.spend(1 + len(value))
        return self._weights.made(value)

    def _kept(self, value: Any) -> Any:
        """Return a result that is small enough, and in which nothing is left to be computed."""
        value = self._settled(value)
        if isinstance(value, str):
            check_growth(len(value))
            self.meter.spend(len(value) // 8)
            return value if type(value) is str else str.__str__(value)
        if isinstance(value, (list, tuple, dict)):
            if len(value) > LARGEST_TEXT:
                too_large("a list")
            self.meter.spend(len(value))
            return self._weights.made(value)
        if isinstance(value, int) and value.bit_length() > MOST_BITS:
            too_large("a number")
        return value

    def _settled(self, value: Any) -> Any:
        """Turn generators and the views of mappings, which allow sums and differences in no order, into lists."""
        if hasattr(value, "__next__") or isinstance(value, _VIEWS):
            return list(self._loop(value))
        return value

    def _loop(self, items: Any, cost: int = 1) -> Iterator[Any]:
        """Iterate at a cost an item: what `for` runs over."""
        if isinstance(items, str):
            raise TypeError(f"`for` takes a list, and this is a text{NEAR}split it first, as in `.split('|')`")
        if not isinstance(items, (list, tuple, dict, *_VIEWS)) and not hasattr(items, "__next__"):
            check_data(items)  # says what is missing, or no data
            raise TypeError(f"{describe(items)} cannot be looped over")
        for item in items:
            self.meter.spend(cost)
            yield item

    def _namespace(self, *args: Any, **kwargs: Any) -> Namespace:
        """Return what `set` can write into; of what it is given by name it looks at nothing."""
        self.meter.spend(1 + len(kwargs))
        given = [self._settled(value) for value in args]
        for value in given:
            self._handle(value)
        return Namespace(*given, **kwargs)

    def _say_what_is_missing(self, func: Undefined) -> NoReturn:
        name = func._undefined_name  # noqa: SLF001 - Jinja's own way to it
        if func._undefined_obj is missing and isinstance(name, str):  # noqa: SLF001
            near = did_you_mean(name, self.globals) or f"the functions are {', '.join(sorted(self.globals))}"
            raise UndefinedError(f"there is no function `{name}`{NEAR}{near}")
        func()  # says what is missing
        raise AssertionError

    def _concat(self, *parts: Any) -> Any:
        return self._kept(concat(*parts))

    def _join(self, parts: Iterable[str]) -> str:
        """Join what a template puts out, as long as it fits."""
        kept, size = [], 0
        for part in parts:
            size += len(part)
            check_growth(size)
            kept.append(part)
        self.meter.spend(size // 8)
        return "".join(kept)

    def _range(self, *args: int) -> list[int]:
        """Return the numbers of a range, at a step each."""
        numbers = range(*args)
        try:
            self.meter.spend(len(numbers))
        except OverflowError:
            too_large("a list")
        return list(numbers)

    def _dict(self, *pairs: Any, **named: Any) -> Any:
        """Return a mapping."""
        return self._kept(dict(*(self._settled(value) for value in pairs), **named))

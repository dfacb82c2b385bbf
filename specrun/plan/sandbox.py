"""Jinja with nothing random, nothing of the machine and nothing unbounded in reach."""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, NoReturn

from jinja2 import StrictUndefined
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS
from jinja2.utils import Namespace, missing

from specrun.diagnostics import did_you_mean
from specrun.model.inputs import FileImage, OutputImage, UrlImage
from specrun.plan.labels import slug

MOST_STEPS = 1_000_000
LARGEST_TEXT = 1_000_000
LARGEST_WIDTH = 10_000
MOST_BITS = 4096

_FILTERS = (
    "abs batch capitalize center count d default dictsort filesizeformat first float format groupby indent int items "
    "join last length list lower map max min reject rejectattr replace reverse round select selectattr slice sort "
    "string sum title tojson trim truncate unique upper wordcount wordwrap"
).split()
_TESTS = tuple(name for name in TESTS if name not in ("callable", "escaped", "filter", "test", "sameas"))
_STRINGIFYING = frozenset(
    "capitalize center format indent join lower replace slug string title tojson trim upper".split()
)
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
_FORMAT_NUMBER = re.compile(r"%[^a-zA-Z%]*?(\d{5,}|\*)")
_IMAGES = (FileImage, UrlImage, OutputImage)


class Missing(StrictUndefined):
    """An unknown name: using it says what is known instead."""

    @property
    def _undefined_message(self) -> str:
        name = self._undefined_name
        if self._undefined_hint:
            return self._undefined_hint
        if self._undefined_obj is missing:
            return f"`{name}` is not defined here"
        owner = self._undefined_obj
        if isinstance(owner, Mapping):
            known = [str(key) for key in owner]
            near = did_you_mean(str(name), known)
            return f"`{name}` is not among {', '.join(known[:12]) or 'the keys, there are none'}" + (
                f"; {near}" if near else ""
            )
        return f"`{name}` is not part of {describe(owner)}"


class Sandbox(ImmutableSandboxedEnvironment):
    """An environment for one spec; every evaluation has a budget of steps, and every text a largest size."""

    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def __init__(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__(undefined=Missing, optimized=False, autoescape=False, cache_size=0)
        self._steps = MOST_STEPS
        self.globals = {"range": self.range, "namespace": Namespace, "dict": dict, **functions}
        self._callables = (*functions.values(), self.range, Namespace, dict)
        self.filters = {name: self._guarded(name, FILTERS[name]) for name in _FILTERS}
        self.filters["slug"] = self._guarded("slug", self._slug)
        self.filters["_loop"] = self._loop
        self.filters["_concat"] = self._concat
        self.tests = {name: TESTS[name] for name in _TESTS}
        self.finalize = self._finalize
        self.concat = self._join  # type: ignore[method-assign]  # Jinja reads it from the environment

    def restart(self) -> None:
        """Give the next evaluation a full budget."""
        self._steps = MOST_STEPS

    def spend(self, steps: int) -> None:
        """Use up some of the budget."""
        self._steps -= steps
        if self._steps < 0:
            raise SecurityError(f"the template takes more than {MOST_STEPS:,} steps")

    def measure(self, value: Any) -> int:
        """Return about how long a value's text is; fail past the largest size, however deep it nests."""
        size, stack = 0, [value]
        while stack:
            item = stack.pop()
            size += len(item) if isinstance(item, str) else 4
            if isinstance(item, Mapping):
                stack.extend(islice(item.keys(), LARGEST_TEXT))
                stack.extend(islice(item.values(), LARGEST_TEXT))
            elif isinstance(item, (list, tuple)):
                stack.extend(item)
            elif isinstance(item, int) and item.bit_length() > MOST_BITS:
                _too_large("a number")
            if size + len(stack) > LARGEST_TEXT:
                _too_large("a text")
        return size

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Look a key up before a method: a CSV column may be called `items`."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Allow data and the listed methods, nothing else."""
        if attr.startswith("_"):
            return False
        if callable(value):
            return any(attr in names for kind, names in _METHODS.items() if isinstance(obj, kind)) or (
                type(obj).__module__ == "jinja2.runtime" and attr in ("cycle", "changed")
            )
        return isinstance(obj, (Mapping, Namespace, *_IMAGES)) or type(obj).__module__ == "jinja2.runtime"

    def call(self, context: Any, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function or a listed method; sizes are checked before and after."""
        owner = getattr(func, "__self__", None)
        name = getattr(func, "__name__", "")
        if not any(func == known for known in self._callables):
            if isinstance(func, Missing):
                return func()  # says what is missing
            if isinstance(owner, (str, dict, list, tuple)):
                self._check_method(owner, name, args)
            elif type(owner).__module__ != "jinja2.runtime":
                raise SecurityError(f"{describe(func)} cannot be called here")
        self.spend(1)
        return self._kept(context.call(func, *args, **kwargs))

    def unsafe_undefined(self, obj: Any, attribute: str) -> Any:
        """Stand for what may not be touched; using it says so."""
        return self.undefined(f"`{attribute}` of {describe(obj)} cannot be used here", exc=SecurityError)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Refuse what would not fit before it is made."""
        self.spend(1)
        match operator:
            case "*":
                _check_product(left, right)
            case "**":
                _check_power(left, right)
            case "%" if isinstance(left, str):
                _check_format(left)
                self.measure(right)
        return self._kept(super().call_binop(context, operator, left, right))

    def _check_method(self, owner: Any, name: str, args: tuple[Any, ...]) -> None:
        known = next((names for kind, names in _METHODS.items() if isinstance(owner, kind)), frozenset())
        if name not in known:
            raise SecurityError(f"the method `{name}` cannot be used here")
        size = len(owner)
        self.spend(1 + size // 16)
        if name == "replace" and isinstance(owner, str):
            _check_replace(owner, args)
        elif name == "join" and args:
            self._check_join(owner, args[0])

    def _check_join(self, separator: str, items: Any) -> None:
        if hasattr(items, "__len__"):
            self.measure(items)
            if len(separator) * len(items) > LARGEST_TEXT:
                _too_large("a text")

    def _guarded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a built-in filter: bounded input, bounded widths, bounded output."""
        passed = getattr(function, "jinja_pass_arg", None)

        def guard(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            size = self.measure(value) if name in _STRINGIFYING else _length(value)
            self.spend(1 + size // 16)
            for arg in (*args, *kwargs.values()):
                if isinstance(arg, int) and not isinstance(arg, bool) and abs(arg) * (size + 1) > LARGEST_TEXT * 10:
                    raise SecurityError(f"the filter `{name}` would make too large a text")
            if name == "replace":
                _check_replace(str(value), args)
            elif name == "format" and isinstance(value, str):
                _check_format(value)
            elif name == "join" and args and isinstance(args[0], str):
                self._check_join(args[0], value)

        if passed is None:

            def filtered(value: Any, *args: Any, **kwargs: Any) -> Any:
                value = self._kept(value)
                guard(value, args, kwargs)
                return self._kept(function(value, *args, **kwargs))

            return filtered

        def filtered_with(context: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
            value = self._kept(value)
            guard(value, args, kwargs)
            return self._kept(function(context, value, *args, **kwargs))

        filtered_with.jinja_pass_arg = passed  # type: ignore[attr-defined]  # how Jinja marks such filters
        return filtered_with

    def _kept(self, value: Any) -> Any:
        """Return a result that is sized and small enough; generators become lists, within the budget."""
        if isinstance(value, (str, list, tuple, dict)):
            if len(value) > LARGEST_TEXT:
                _too_large("a text" if isinstance(value, str) else "a list")
        elif isinstance(value, int):
            if value.bit_length() > MOST_BITS:
                _too_large("a number")
        elif hasattr(value, "__next__"):
            return list(self._loop(value))
        return value

    def _loop(self, items: Any) -> Any:
        """Iterate at a step an item: what `for` runs over."""
        for item in items:
            self.spend(1)
            yield item

    def _join(self, parts: Iterable[str]) -> str:
        """Join what a template puts out, as long as it fits."""
        kept, size = [], 0
        for part in parts:
            size += len(part)
            if size > LARGEST_TEXT:
                _too_large("a text")
            kept.append(part)
        return "".join(kept)

    def _concat(self, *parts: Any) -> str:
        for part in parts:
            self.measure(part)
        return str(self._kept("".join(str(self._finalize(part)) for part in parts)))

    def _slug(self, value: Any) -> str:
        return slug(str(self._finalize(value)))

    def range(self, *args: int) -> list[int]:
        """Return the numbers of a range, at a step each."""
        numbers = range(*args)
        self.spend(len(numbers))
        return list(numbers)

    def _finalize(self, value: Any) -> Any:
        """Turn what stands in a text into that text; refuse what has none."""
        if isinstance(value, str):
            return value
        if value is None:
            raise ValueError("nothing (null) has no text; give it one with `| default('…', true)`")
        if isinstance(value, _IMAGES):
            return value.source
        if isinstance(value, Missing):
            return str(value)  # says what is missing
        self.measure(value)
        plain(value, self)
        return value


def plain(value: Any, sandbox: Sandbox) -> Any:
    """Return a template's value as bare data and images; raise `ValueError` for functions and other objects."""
    sandbox.measure(value)
    return _plain(value, sandbox)


def _plain(value: Any, sandbox: Sandbox) -> Any:
    if value is None or isinstance(value, (str, bool, int, float, *_IMAGES)):
        return value
    if isinstance(value, Missing):
        str(value)  # says what is missing
    if isinstance(value, Mapping):
        return {str(key): _plain(item, sandbox) for key, item in value.items()}
    if hasattr(value, "__iter__") and not isinstance(value, type):
        return [_plain(item, sandbox) for item in sandbox._kept(value if hasattr(value, "__next__") else list(value))]  # noqa: SLF001 - one module
    raise ValueError(f"{describe(value)} is not a value; did you forget its brackets?")


def describe(value: Any) -> str:
    """Say what a value is, without anything of the machine in it."""
    names = {str: "a text", int: "a number", float: "a number", bool: "a boolean", list: "a list", dict: "a mapping"}
    if value is None:
        return "nothing (null)"
    if isinstance(value, _IMAGES):
        return "an image"
    return names.get(type(value)) or (f"the function `{value.__name__}`" if hasattr(value, "__name__") else "this")


def _length(value: Any) -> int:
    return len(value) if hasattr(value, "__len__") else 1


def _too_large(what: str) -> NoReturn:
    raise SecurityError(f"the template makes {what} that is too large")


def _check_product(left: Any, right: Any) -> None:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, (str, list, tuple)) and isinstance(other, int) and len(one) * other > LARGEST_TEXT:
            _too_large("a text" if isinstance(one, str) else "a list")
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > MOST_BITS:
        _too_large("a number")


def _check_power(base: Any, exponent: Any) -> None:
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > MOST_BITS:
        _too_large("a number")


def _check_format(template: str) -> None:
    if _FORMAT_NUMBER.search(template):
        raise SecurityError("the format asks for too wide a text")


def _check_replace(text: str, args: tuple[Any, ...]) -> None:
    if len(args) >= 2 and isinstance(args[0], str) and isinstance(args[1], str):  # noqa: PLR2004 - old and new
        times = text.count(args[0]) if args[0] else len(text) + 1
        if times * len(args[1]) > LARGEST_TEXT:
            _too_large("a text")

"""How much templates may use: steps, and the size of what they make."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn

from specrun.canonical import LARGEST_INTEGER
from specrun.model.inputs import FileImage, OutputImage, UrlImage

# A step is about a microsecond. What one evaluation leaves unused serves the next ones.
MOST_STEPS = 2_000_000
STEPS_AN_EVALUATION = 5_000

LARGEST_TEXT = 1_000_000
LARGEST_WIDTH = 10_000
MOST_BITS = 4096

# What files may hold, and so what a template may hand on as a value.
MOST_VALUES = 2_000_000
MOST_CHARACTERS = 32_000_000
DEEPEST_NESTING = 64

IMAGES = (FileImage, UrlImage, OutputImage)
_KEYS = frozenset((str,))


class TooMuchError(Exception):
    """A template that makes, or would take, more than templates may."""


class OutOfStepsError(TooMuchError):
    """A template that would take too long, or fill the memory."""


class Meter:
    """The steps that the templates of one spec have left.

    Their number says nothing of time: the same templates run out at the same place on any machine.
    """

    def __init__(self) -> None:
        self._left = MOST_STEPS
        self.empty = False

    def refill(self) -> None:
        """Start an evaluation, or another text made of what was evaluated."""
        self._left = min(MOST_STEPS, self._left + STEPS_AN_EVALUATION)

    def spend(self, steps: int) -> None:
        """Use steps up; raise `OutOfStepsError` where there are not so many left."""
        self._left -= steps
        if self._left < 0:
            self.empty = True
            raise OutOfStepsError(f"the template takes more than {MOST_STEPS:,} steps")


class Measure(NamedTuple):
    """A value's size, in characters and items; `exact` where it is made of lists and mappings of texts only."""

    size: int
    exact: bool


def no_steps(_steps: int) -> None:
    """Spend nothing: for data that no template made."""


def check_data(value: Any, spend: Callable[[int], None] = no_steps) -> Measure:
    """Refuse what is not plain data and images, or too much of it, or cannot stand in JSON unchanged.

    Raises `ValueError` for a wrong value, `TooMuchError` for too much.
    """
    # Breadth first, so that a value may nest, or refer to its parts again and again, as deep as it likes.
    level = [value]
    items = characters = 0
    exact = True
    for _ in range(DEEPEST_NESTING + 1):
        below: list[Any] = []
        for item in level:
            if type(item) is str:
                characters += len(item)
                _check_text(item)
            elif type(item) is int:
                _check_whole(item)
            else:
                exact = _unfold(item, below) and exact
            if len(below) > MOST_VALUES or characters > MOST_CHARACTERS:
                too_large("a value")
        items += len(below)
        if items > MOST_VALUES:
            too_large("a value")
        spend(len(below) // 4)
        if not below:
            spend(characters // 256)
            return Measure(characters + items, exact)
        level = below
    raise TooMuchError(f"values nest more than {DEEPEST_NESTING} levels deep")


def _unfold(item: Any, below: list[Any]) -> bool:
    """Add what a value holds; say whether its own kind is what JSON would give."""
    if type(item) is dict:
        below.extend(item)
        below.extend(item.values())
        return set(map(type, item)) <= _KEYS
    if isinstance(item, (list, tuple)):
        below.extend(item)
        return type(item) is list
    if type(item) is float:
        _check_finite(item)
    elif not (item is None or type(item) is bool or isinstance(item, IMAGES)):
        refuse(item)
    return True


def check_product(left: Any, right: Any) -> None:
    """Refuse `left * right` where it would be too large, before it is made."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, (str, list, tuple)) and isinstance(other, int) and len(one) * other > LARGEST_TEXT:
            too_large("a text" if isinstance(one, str) else "a list")
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > MOST_BITS:
        too_large("a number")


def check_power(base: Any, exponent: Any) -> None:
    """Refuse `base ** exponent` likewise."""
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > MOST_BITS:
        too_large("a number")


def check_growth(characters: int) -> None:
    """Refuse a text that would have so many characters."""
    if characters > LARGEST_TEXT:
        too_large("a text")


def too_large(what: str) -> NoReturn:
    """Say that a template makes too much."""
    limit = f" of more than {LARGEST_TEXT:,} characters" if what == "a text" else " that is too large"
    raise TooMuchError(f"the template makes {what}{limit}")


def refuse(value: Any) -> NoReturn:
    """Say that something is not data."""
    # Whatever is missing, Jinja has been loaded by what misses it.
    from jinja2 import Undefined  # noqa: PLC0415

    if isinstance(value, Undefined):
        str(value)  # says what is missing
    brackets = "; did you forget its brackets?" if callable(value) else ""
    raise ValueError(f"{describe(value)} is not a value{brackets}")


def describe(value: Any) -> str:
    """Say what a value is, without anything of the machine in it."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, IMAGES):
        return "an image"
    kinds: Mapping[type, str] = {
        str: "a text",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        list: "a list",
        tuple: "a list",
        dict: "a mapping",
    }
    return kinds.get(type(value)) or (f"the function `{value.__name__}`" if hasattr(value, "__name__") else "this")


def _check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("a text holds half of a surrogate pair, which is no character") from None


def _check_whole(number: int) -> None:
    if not -LARGEST_INTEGER <= number <= LARGEST_INTEGER:
        raise ValueError("a whole number lies beyond 2^53 - 1, where JSON is not exact; make it a text")


def _check_finite(number: float) -> None:
    if not math.isfinite(number):
        raise ValueError("a number is not finite")

"""What values weigh, each part counted as often as it stands in them: what templates make is bounded by it."""

from collections.abc import Callable
from itertools import chain
from typing import Any, NamedTuple

from specrun.plan.bounds import DEEPEST_NESTING, MOST_CHARACTERS, MOST_VALUES, TooMuchError, too_large

_CHARACTERS = 16
# Whatever a file may hold, a template may put into a list.
HEAVIEST = MOST_VALUES + MOST_CHARACTERS // _CHARACTERS
# The rows of tables are weighed along with their list; what nests in its turn takes its own time.
_A_DEEP_PART = 2
# What weighs less is weighed again sooner than remembered.
_WORTH_KEEPING = 64


class Weight(NamedTuple):
    """A value's size in items, some characters being one, and how many levels nest in it."""

    size: int
    depth: int


class Weights:
    """The weights of what one evaluation makes and meets.

    Nothing changes a list or a mapping once it is made, so each is weighed once, by its parts: a list of two that
    are the same large list weighs twice as much, and is known to as soon as it is made. Whatever then walks it, to
    compare, hash, sort or print it, has no more to do than that.
    """

    def __init__(self, spend: Callable[[int], None]) -> None:
        self._spend = spend
        # With the values, whose places in memory would else be taken by others.
        self._known: dict[int, tuple[Any, Weight]] = {}

    def forget(self) -> None:
        """Start another evaluation."""
        if self._known:
            self._known = {}

    def made(self, value: Any) -> Any:
        """Return a value that has just been made; raise `TooMuchError` where it is too large or too deep."""
        weight = self.of(value)
        if weight.size > HEAVIEST:
            too_large("a value")
        if weight.depth > DEEPEST_NESTING:
            raise TooMuchError(f"values nest more than {DEEPEST_NESTING} levels deep")
        return value

    def of(self, value: Any) -> Weight:
        """Return what a value weighs, at a cost that follows from what has not been weighed before."""
        if isinstance(value, str):
            return Weight(1 + len(value) // _CHARACTERS, 0)
        if not isinstance(value, (list, tuple, dict)):
            return Weight(1, 0)
        known = self._known.get(id(value))
        if known is not None:
            return known[1]
        self._spend(len(value) // _CHARACTERS)
        weight = self._weigh(value)
        if weight.size >= _WORTH_KEEPING:
            self._known[id(value)] = (value, weight)
        return weight

    def _weigh(self, value: Any) -> Weight:
        size = 1
        depth = deep = 0
        for part in chain(value, value.values()) if isinstance(value, dict) else value:
            if type(part) is str:
                size += 1 + len(part) // _CHARACTERS
            elif isinstance(part, (list, tuple, dict)):
                inner = self.of(part)
                size += inner.size
                depth = max(depth, inner.depth)
                deep += inner.depth > 1
            else:
                size += 1
        self._spend(deep * _A_DEEP_PART)
        return Weight(size, depth + 1)

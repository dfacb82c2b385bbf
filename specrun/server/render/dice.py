"""Random choices that are the same on every machine, for ever."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """An endless stream of choices, decided by the names it is made from."""

    def __init__(self, *names: object) -> None:
        self._names = names
        self._hash = hashlib.shake_256("\x1f".join(map(str, names)).encode(errors="surrogatepass"))
        self._drawn = b""
        self._position = 0

    def bytes(self, count: int) -> bytes:
        """Return the next `count` random bytes."""
        end = self._position + count
        if end > len(self._drawn):
            self._drawn = self._hash.digest(max(1024, 2 * end))
        drawn = self._drawn[self._position : end]
        self._position = end
        return drawn

    def between(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + int.from_bytes(self.bytes(4), "big") % (high - low + 1)

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[self.between(0, len(options) - 1)]

    def chance(self, percent: int) -> bool:
        """Return True so many times out of a hundred."""
        return self.between(0, 99) < percent

    def fork(self, name: object) -> "Dice":
        """Return a stream of its own, so that drawing from one does not move the other."""
        return Dice(*self._names, name)

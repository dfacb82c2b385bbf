"""How many requests may be under way at once, and how soon the next may start."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

from specrun.provider.pauses import slept


class LimiterClosedError(Exception):
    """The wait is off: nothing more is to be sent."""


class Limiter:
    """Additive increase, multiplicative decrease: 429 halves the limit, each answer after that wins a little back.

    `rpm` spaces the starts evenly, so that no window of a minute, wherever the server begins it, holds more.
    Not for use from several event loops.
    """

    def __init__(self, *, concurrency: int, rpm: int | None = None) -> None:
        self._most = float(concurrency)
        self._limit = self._most
        self._spacing = 60 / rpm if rpm else 0.0
        self._due = 0.0
        self._in_flight = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._halved_at = 0.0
        self._closed = asyncio.Event()

    @property
    def limit(self) -> int:
        """How many may be under way at once at this moment."""
        return int(self._limit)

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[float]:
        """Wait for leave to send and hold it; gives the time of the start, for `slow_down`.

        Raises `LimiterClosedError` once `close` was called.
        """
        await self._enter()
        try:
            yield await self._wait_until_due()
        finally:
            self._leave()

    def slow_down(self, started: float) -> None:
        """Halve the limit for a 429 to a request that started at `started`: once for all that were under way."""
        if started >= self._halved_at:
            self._limit = max(1.0, self._limit / 2)
            self._halved_at = _now()

    def speed_up(self) -> None:
        """Win back a little for an answer that was no 429: one more at once for a round of them."""
        self._limit = min(self._most, self._limit + 1 / self._limit)
        self._admit()

    def hold(self, seconds: float) -> None:
        """Let nothing start for `seconds`: the server asked for it, and means all who hold the key."""
        self._due = max(self._due, _now() + seconds)

    async def pause(self, seconds: float) -> None:
        """Sleep; raises `LimiterClosedError` as soon as `close` is called."""
        if not await slept(seconds, self._closed):
            raise LimiterClosedError

    def close(self) -> None:
        """Send away all who wait and all who come."""
        self._closed.set()
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_exception(LimiterClosedError())

    async def _enter(self) -> None:
        self._check_open()
        if not self._queue and self._in_flight < self.limit:
            self._in_flight += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            # Admitted and cancelled in one turn of the loop: the place goes to the next in the queue.
            if place.done() and not place.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        self._in_flight -= 1
        self._admit()

    def _admit(self) -> None:
        while self._queue and self._in_flight < self.limit:
            place = self._queue.popleft()
            if not place.done():
                self._in_flight += 1
                place.set_result(None)

    async def _wait_until_due(self) -> float:
        while (wait := self._due - _now()) > 0:
            await self.pause(wait)
        self._check_open()
        self._due = (now := _now()) + self._spacing
        return now

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise LimiterClosedError


def _now() -> float:
    return asyncio.get_running_loop().time()

"""Rehearsing slowness: answers that take their time, and a limit on requests a minute."""

import asyncio
import math
import random
import time
from collections.abc import Callable
from http import HTTPStatus

from specrun.server.errors import ApiError

_MINUTE = 60.0


class Latency:
    """Waits between `shortest` and `longest` seconds; the waits come in the same order each time."""

    def __init__(self, shortest: float, longest: float) -> None:
        self._shortest = shortest
        self._longest = longest
        self._random = random.Random(0)  # noqa: S311 - a rehearsal must be repeatable

    async def wait(self) -> None:
        """Wait once."""
        await asyncio.sleep(self._random.uniform(self._shortest, self._longest))


class RateLimit:
    """Lets so many requests a minute through: all at once after a quiet minute, then evenly."""

    def __init__(self, per_minute: int | None, *, now: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._now = now
        self._tokens = float(per_minute or 0)
        self._at = now()

    def take(self) -> None:
        """Count a request; raises `ApiError` 429 with Retry-After where it is one too many."""
        if self._per_minute is None:
            return
        now = self._now()
        refilled = self._tokens + (now - self._at) * self._per_minute / _MINUTE
        self._tokens, self._at = min(float(self._per_minute), refilled), now
        if self._tokens < 1:
            seconds = math.ceil((1 - self._tokens) * _MINUTE / self._per_minute)
            raise ApiError(
                f"more than {self._per_minute} requests a minute; try again in {seconds} s",
                status=HTTPStatus.TOO_MANY_REQUESTS,
                type_="rate_limit",
                code="rate_limit_exceeded",
                headers={"retry-after": str(seconds)},
            )
        self._tokens -= 1

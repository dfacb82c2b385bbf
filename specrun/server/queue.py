"""How much is done at once, and how much may wait for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from specrun.server.errors import ApiError


class Queue:
    """Lets `running` requests work and `waiting` more wait; whoever comes then is told to come back."""

    def __init__(self, *, running: int, waiting: int) -> None:
        self._places = asyncio.Semaphore(running)
        self._most = running + waiting
        self._inside = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place to work; raises `ApiError` 429 where the queue is full."""
        if self._inside >= self._most:
            raise ApiError(
                "too many requests wait already; try again in a moment",
                status=HTTPStatus.TOO_MANY_REQUESTS,
                type_="rate_limit",
                code="queue_full",
                headers={"retry-after": "1"},
            )
        self._inside += 1
        try:
            async with self._places:
                yield
        finally:
            self._inside -= 1

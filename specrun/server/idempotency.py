"""The same key and body get the same answer, and are billed once."""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.requests import Request

from specrun.server.errors import ApiError

_KEPT_BYTES = 64 << 20
_KEPT_SECONDS = 24 * 3600
_LONGEST_KEY = 255
_KEY = re.compile(rf"[!-~]{{1,{_LONGEST_KEY}}}")


def idempotency_key(request: Request) -> str | None:
    """Return a request's Idempotency-Key, None where it has none; raises `ApiError` for one that cannot be used."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise ApiError(f"an Idempotency-Key is 1 to {_LONGEST_KEY} visible ASCII characters, without spaces")
    return key


@dataclass(frozen=True, kw_only=True, slots=True)
class _Record:
    body: str
    answer: "asyncio.Future[bytes]" = field(repr=False)
    since: float


class Answers:
    """Answers by idempotency key: for a day, and while there is room."""

    def __init__(self, *, kept_bytes: int = _KEPT_BYTES, now: Callable[[], float] = time.monotonic) -> None:
        self._kept_bytes = kept_bytes
        self._now = now
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._size = 0

    async def once(self, key: str | None, body: str, work: Callable[[], Awaitable[bytes]]) -> bytes:
        """Return the answer that `key` got before, or do the work and remember; `body` is the request's digest.

        A request that comes while its twin is being worked on waits for that one. Failed work is not remembered.
        Raises `ApiError` 409 where the key stands for another body.
        """
        if key is None:
            return await work()
        self._forget_old()
        record = self._records.get(key)
        if record is None:
            return await self._work(key, body, work)
        if record.body != body:
            raise ApiError(
                f'the Idempotency-Key "{key[:80]}" was used for another request; use a new key for a new request',
                status=HTTPStatus.CONFLICT,
                code="idempotency_key_reused",
            )
        return await asyncio.shield(record.answer)

    async def _work(self, key: str, body: str, work: Callable[[], Awaitable[bytes]]) -> bytes:
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        # Whoever asks meanwhile is told too; where nobody does, that is no unheard exception.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._records[key] = _Record(body=body, answer=future, since=self._now())
        try:
            answer = await work()
        except BaseException as error:
            del self._records[key]
            if isinstance(error, asyncio.CancelledError):
                future.cancel()
            else:
                future.set_exception(error)
            raise
        future.set_result(answer)
        self._size += len(answer)
        return answer

    def _forget_old(self) -> None:
        while self._records:
            key, oldest = next(iter(self._records.items()))
            if not oldest.answer.done():
                return
            if self._size <= self._kept_bytes and self._now() - oldest.since < _KEPT_SECONDS:
                return
            del self._records[key]
            self._size -= len(oldest.answer.result())

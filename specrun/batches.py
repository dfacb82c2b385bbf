"""Work done in batches: what comes while one batch is at work makes up the next, so that all share its waits."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Generic, Self, TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_Waiter: TypeAlias = "Future[Any] | asyncio.Future[Any]"


class Batches(Generic[T, R]):
    """Hands items, as many as are waiting, to `work` in threads of its own; none waits for an item yet to come.

    `work` returns an item's result or its exception at the item's place; what it raises itself becomes everyone's.
    One hand-over to a thread and one wake of the event loop serve a whole batch. Closing waits for what was submitted.
    """

    def __init__(
        self, work: Callable[[Sequence[T]], Sequence[R | BaseException]], *, name: str, threads: int = 1, most: int = 64
    ) -> None:
        self._work = work
        self._most = most
        self._queue: queue.SimpleQueue[tuple[T, _Waiter] | None] = queue.SimpleQueue()
        self._gathered: list[tuple[T, _Waiter]] = []
        self._threads = [threading.Thread(target=self._run, name=name, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, item: T) -> Future[R]:
        """Have an item worked on; for callers outside an event loop."""
        future: Future[R] = Future()
        # What is being done is done to its end, whoever stops waiting for it.
        future.set_running_or_notify_cancel()
        self._queue.put((item, future))
        return future

    async def done(self, item: T) -> R:
        """Have an item worked on, and return what came of it; it is worked on also where the caller is cancelled."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        if not self._gathered:
            # At the end of the loop's round: a thread that wakes in the middle of it vies for the interpreter.
            loop.call_soon(self._hand_over)
        self._gathered.append((item, future))
        return await future

    def close(self) -> None:
        """Finish what was submitted; nothing may be submitted any more. To be called where `done` is."""
        self._hand_over()
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _hand_over(self) -> None:
        gathered, self._gathered = self._gathered, []
        for each in gathered:
            self._queue.put(each)

    def _run(self) -> None:
        while batch := self._next():
            # BaseException: whatever happens belongs to those who wait, and must not end the thread they wait for.
            try:
                outcomes = self._work([item for item, _ in batch])
            except BaseException as error:  # noqa: BLE001
                outcomes = [error] * len(batch)
            _tell(zip((waiter for _, waiter in batch), outcomes, strict=True))

    def _next(self) -> list[tuple[T, _Waiter]]:
        """Wait for an item and take it with its share of those that wait behind it; nothing once closed."""
        first = self._queue.get()
        if first is None:
            return []
        batch = [first]
        share = min(self._most, 1 + self._queue.qsize() // len(self._threads))
        with contextlib.suppress(queue.Empty):
            while len(batch) < share:
                item = self._queue.get_nowait()
                if item is None:
                    self._queue.put(None)
                    break
                batch.append(item)
        return batch


def _tell(outcomes: Iterable[tuple[_Waiter, Any]]) -> None:
    """Give each waiter its outcome, waking each event loop once."""
    by_loop: dict[asyncio.AbstractEventLoop | None, list[tuple[_Waiter, Any]]] = {}
    for waiter, outcome in outcomes:
        loop = waiter.get_loop() if isinstance(waiter, asyncio.Future) else None
        by_loop.setdefault(loop, []).append((waiter, outcome))
    for loop, told in by_loop.items():
        if loop is None:
            _settle(told)
            continue
        # In a loop that was closed meanwhile there is nobody left to tell.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, told)


def _settle(outcomes: Iterable[tuple[_Waiter, Any]]) -> None:
    for waiter, outcome in outcomes:
        if waiter.done():
            continue
        if isinstance(outcome, BaseException):
            waiter.set_exception(outcome)
        else:
            waiter.set_result(outcome)

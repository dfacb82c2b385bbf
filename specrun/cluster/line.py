"""The driver's end of one worker: calls and answers, as many at a time as are waiting."""

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, TypeVarTuple

import ray
from ray.exceptions import RayError

from specrun.cluster.desk import Desk
from specrun.cluster.worker import Answer, Call, Opened

Arguments = TypeVarTuple("Arguments")
R = TypeVar("R")


class WorkerLostError(Exception):
    """The worker is gone; `told` is whether it may have heard of the call."""

    def __init__(self, *, told: bool) -> None:
        super().__init__("a worker was lost")
        self.told = told


class WorkerFaultError(Exception):
    """specrun itself failed on a worker."""


class Line:
    """Calls to one worker's desk; `lost` once the worker is gone, which is for good: nothing of it is started again."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor
        self._numbers = itertools.count()
        self._outbox: list[Call] = []
        self._untold = asyncio.Event()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._pumps: asyncio.Future[Any] | None = None
        self.lost = False

    @property
    def busy(self) -> int:
        """How many calls wait for their answer."""
        return len(self._waiting)

    async def open(self) -> Opened:
        """Wait until the worker runs and say what it found; raises `RayError` where it cannot run."""
        opened: Opened = await self._actor.open.remote()
        self._pumps = asyncio.gather(self._speak(), self._listen())
        self._pumps.add_done_callback(self._ended)
        return opened

    async def call(self, method: Callable[[Desk, *Arguments], Awaitable[R]], *arguments: *Arguments) -> R:
        """Have something done at the desk; raises `WorkerLostError`, `WorkerFaultError`."""
        if self.lost:
            raise WorkerLostError(told=False)
        number = next(self._numbers)
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._say(Call(number=number, method=method, arguments=arguments))
        try:
            return await answer
        finally:
            del self._waiting[number]

    def mention(self, method: Callable[[Desk, *Arguments], Awaitable[None]], *arguments: *Arguments) -> None:
        """Have something done at the desk, and do not wait for it."""
        if not self.lost:
            self._say(Call(number=None, method=method, arguments=arguments))

    def close(self) -> None:
        """End the worker, whatever it is at."""
        if self._pumps is not None:
            self._pumps.cancel()
        self._lose()

    def _say(self, call: Call) -> None:
        self._outbox.append(call)
        self._untold.set()

    async def _speak(self) -> None:
        """Hand over what is in the outbox; what comes meanwhile goes together with the next."""
        while True:
            await self._untold.wait()
            self._untold.clear()
            calls, self._outbox = self._outbox, []
            await self._actor.tell.remote(calls)

    async def _listen(self) -> None:
        while True:
            for answer in await self._actor.hear.remote():
                self._answered(answer)

    def _answered(self, answer: Answer) -> None:
        # Whoever asked may have been cancelled.
        waiter = self._waiting.get(answer.number)
        if waiter is None or waiter.done():
            return
        if answer.fault:
            waiter.set_exception(WorkerFaultError(answer.fault))
        else:
            waiter.set_result(answer.result)

    def _ended(self, pumps: asyncio.Future[Any]) -> None:
        self._lose(None if pumps.cancelled() else pumps.exception())

    def _lose(self, error: BaseException | None = None) -> None:
        """Give up the worker; an `error` that is not Ray's is a fault of the program, and everyone's who waits."""
        if self.lost:
            return
        self.lost = True
        # Also where only the way to it is interrupted: what it still has, it must not send.
        with contextlib.suppress(RayError):
            ray.kill(self._actor, no_restart=True)
        untold = {call.number for call in self._outbox}
        for number, waiter in self._waiting.items():
            if not waiter.done():
                lost = WorkerLostError(told=number not in untold)
                waiter.set_exception(lost if error is None or isinstance(error, RayError) else error)

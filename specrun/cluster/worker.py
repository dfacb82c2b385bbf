"""A worker of the cluster: one process that hears calls in batches and answers in batches."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from specrun import __version__
from specrun.cluster.desk import Desk
from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.provider.courier import Courier
from specrun.store.blobs import Blobs

# Answers a batch: each may hold images.
_MOST = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One thing that the driver wants done at the desk; `number` is the driver's name for it, None wants no answer."""

    number: int | None
    method: Callable[..., Awaitable[Any]]
    arguments: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What became of a call: its result, or the fault of the program that kept it from one."""

    number: int
    result: Any = None
    fault: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A worker that is ready, or what keeps it from that: its machine, its version, what is missing there."""

    host: str
    version: str
    faults: tuple[Diagnostic, ...] = ()


CourierFactory: TypeAlias = Callable[[], Courier]


class Worker:
    """What Ray makes an actor of. `probe` is in `store` where that is the driver's own, seen from here too."""

    def __init__(self, courier: CourierFactory, store: Blobs, probe: str) -> None:
        self._courier = courier()
        self._desk = Desk(self._courier, store if store.has(probe) else None)
        self._answers: list[Answer] = []
        self._answered = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> Opened:
        """Get ready."""
        faults: Sequence[Diagnostic] = ()
        try:
            await self._courier.__aenter__()
        except InvalidInputError as error:
            faults = error.diagnostics
        return Opened(host=socket.gethostname(), version=__version__, faults=tuple(faults))

    async def tell(self, calls: Sequence[Call]) -> None:
        """Begin with calls; `hear` gives their answers, in the order in which they are there."""
        for call in calls:
            task = asyncio.create_task(self._do(call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def hear(self) -> list[Answer]:
        """Wait for answers, and return those that are there."""
        await self._answered.wait()
        answers, self._answers = self._answers[:_MOST], self._answers[_MOST:]
        if not self._answers:
            self._answered.clear()
        return answers

    async def _do(self, call: Call) -> None:
        result, fault = None, ""
        try:
            result = await call.method(self._desk, *call.arguments)
        except Exception as error:  # noqa: BLE001 (whatever it is, the driver waits for an answer)
            fault = f"{type(error).__name__}: {error}"
        if call.number is not None:
            self._answers.append(Answer(number=call.number, result=result, fault=fault))
            self._answered.set()

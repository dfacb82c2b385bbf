"""A provider's requests carried by the workers of a cluster, while every decision stays with the driver.

A request is on a worker in two steps. The worker connects and waits; then the driver writes down that the request may
leave, durably, and only after that tells the worker so. So a worker that is lost before it was told has certainly sent
nothing, and the client sends that request by another one; of a request that it was told to send, nobody knows.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar, TypeVarTuple

from specrun.canonical import digest
from specrun.cluster.crew import gather_crew
from specrun.cluster.desk import Desk
from specrun.cluster.line import Line, WorkerFaultError, WorkerLostError
from specrun.cluster.start import Cluster
from specrun.cluster.worker import CourierFactory
from specrun.imaging import DecodedImage
from specrun.model.project import Provider
from specrun.provider.courier import ImageRequest
from specrun.provider.outcome import Doom, Failed, ImageItem, Outcome, Received, Resend, Unknown
from specrun.provider.results import Arrival, Arrived, Keep, Kept, Lost, Missing, Unusable
from specrun.store.blobs import Blobs

Arguments = TypeVarTuple("Arguments")
R = TypeVar("R")

# Seconds beyond two tries at a file, each as long as a provider's settings allow.
_GRACE = 60.0
_UNSENT = "its worker was lost before it was sent"
_UNDER_WAY = "its worker was lost while the request was under way"
_WITH_IMAGES = "its worker was lost with the images that had come"
_NONE_LEFT = Doom(
    cause="all workers of the Ray cluster are lost",
    hint="see to the cluster, then apply again",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Remote(Received):
    """A reply that stayed with the worker that received it, but for its links."""

    line: Line
    ticket: int


class RayCourier:
    """Carries for one provider by workers of `cluster`, each with a courier of its own that `carry` makes there.

    `store` is where the images go: written there by the workers where they see it, else by whoever asked.
    """

    def __init__(self, provider: Provider, carry: CourierFactory, cluster: Cluster, store: Blobs) -> None:
        self._provider = provider
        self._carry = carry
        self._cluster = cluster
        self._store = store
        self._lines: list[Line] = []
        self._tickets = itertools.count()

    async def __aenter__(self) -> Self:
        size = min(self._provider.concurrency, self._cluster.join())
        self._lines = await gather_crew(self._carry, self._store, size)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for line in self._lines:
            line.close()

    def hurry(self) -> None:
        """Try no download again that fails from now on."""
        for line in self._lines:
            line.mention(Desk.hurry)

    async def send(self, request: ImageRequest, before: Callable[[], Awaitable[None]]) -> Outcome:
        """Make one attempt, whose first byte leaves only once `before` has returned."""
        line = self._free()
        if line is None:
            return _NONE_LEFT
        ticket = next(self._tickets)
        try:
            outcome = await self._call(line, Desk.prepare, ticket, request)
        except WorkerLostError:
            return Resend(cause=_UNSENT)
        except WorkerFaultError as fault:
            return Failed(cause=f"a worker failed before it was sent: {fault}")
        if outcome is None:
            outcome = await self._leave(line, ticket, before)
        if not isinstance(outcome, Received):
            return outcome
        return _Remote(
            items=outcome.items,
            status=outcome.status,
            request_id=outcome.request_id,
            cause=outcome.cause,
            line=line,
            ticket=ticket,
        )

    async def _leave(self, line: Line, ticket: int, before: Callable[[], Awaitable[None]]) -> Outcome:
        try:
            await before()
        except BaseException:
            line.mention(Desk.drop, ticket)
            raise
        try:
            return await self._call(line, Desk.leave, ticket)
        except WorkerLostError as lost:
            return Unknown(cause=_UNDER_WAY) if lost.told else Resend(cause=_UNSENT)
        except WorkerFaultError as fault:
            return Unknown(cause=f"its worker failed while the request was under way: {fault}")

    async def _call(self, line: Line, method: Callable[[Desk, *Arguments], Awaitable[R]], *arguments: *Arguments) -> R:
        """Have something done at a worker's desk; one that answers later than any could is as good as lost."""
        try:
            async with asyncio.timeout(2 * (self._provider.timeout + self._provider.retry_for) + _GRACE):
                return await line.call(method, *arguments)
        except TimeoutError:
            line.close()
            raise WorkerLostError(told=True) from None

    async def collect(self, received: Received, keep: Keep | None = None) -> tuple[Arrival, ...]:  # noqa: ARG002
        """Return what each item of a reply turns out to be: stored by a worker, or decoded.

        What may take long to decode is kept by the worker that has it.
        """
        if isinstance(received, _Remote):
            with contextlib.suppress(WorkerLostError, WorkerFaultError):
                arrivals = await self._call(received.line, Desk.collect, received.ticket)
                return await self._here(received.line, arrivals)
        fetched = await self._fetched(received)
        if not isinstance(received, _Remote):
            return fetched
        # What came as bytes went with the worker; what came as a link is still where it was.
        return tuple(
            Lost(cause=_WITH_IMAGES) if isinstance(item, ImageItem) and item.url is None else arrival
            for item, arrival in zip(received.items, fetched, strict=True)
        )

    async def _fetched(self, received: Received) -> tuple[Arrival, ...]:
        """Return what is behind a reply's links, by whichever worker lives to fetch it."""
        linked = Received(items=received.items, status=received.status, request_id=received.request_id)
        while (line := self._free()) is not None:
            with contextlib.suppress(WorkerLostError):
                try:
                    return await self._here(line, await self._call(line, Desk.fetch, linked))
                except WorkerFaultError:
                    break
        urls = [item.url if isinstance(item, ImageItem) else None for item in received.items]
        return tuple(Missing(cause=_NONE_LEFT.cause, url=url) for url in urls)

    async def _here(self, line: Line, arrivals: Sequence[Arrival]) -> tuple[Arrival, ...]:
        """See that images are where the worker says, and whole."""
        return tuple([await self._checked(line, arrival) for arrival in arrivals])

    async def _checked(self, line: Line, arrival: Arrival) -> Arrival:
        match arrival:
            case Kept() if not self._sees(arrival):
                # Shared folders may show others' files late.
                try:
                    data = await self._call(line, Desk.bring, arrival.digest)
                except (WorkerLostError, WorkerFaultError):
                    return Lost(cause=_WITH_IMAGES)
                return await self._checked(line, _arrived(arrival, data))
            case Arrived(image=image) if await asyncio.to_thread(digest, image.data) != image.digest:
                return Unusable(data=image.data, cause="what came was damaged on its way from a worker")
            case _:
                return arrival

    def _sees(self, kept: Kept) -> bool:
        try:
            return self._store.path(kept.digest).stat().st_size == kept.bytes
        except OSError:
            return False

    def _free(self) -> Line | None:
        """Return the worker with the least to do, None where none is left."""
        return min((line for line in self._lines if not line.lost), key=lambda line: line.busy, default=None)


def _arrived(kept: Kept, data: bytes) -> Arrived:
    return Arrived(
        image=DecodedImage(
            data=data,
            digest=kept.digest,
            media_type=kept.media_type,
            extension=kept.extension,
            width=kept.width,
            height=kept.height,
        )
    )

"""What a worker does for the driver, call by call; it sends nothing before it is told to, and nothing twice."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from specrun.provider.courier import Courier, ImageRequest
from specrun.provider.outcome import ImageItem, Outcome, Received
from specrun.provider.results import Arrival, Arrived, Kept
from specrun.store.blobs import Blobs


@dataclass(frozen=True, kw_only=True, slots=True)
class _Request:
    """A request under way: `waiting` is done once it has a connection, and it leaves once `leave` is done."""

    waiting: asyncio.Future[None]
    leave: asyncio.Future[None]
    sending: asyncio.Task[Outcome] = field(repr=False)


class Desk:
    """Carries requests by a courier of this process; the driver names each by a ticket.

    Images are put into `store`, None where the driver's store is out of reach from here: then their bytes are sent.
    """

    def __init__(self, courier: Courier, store: Blobs | None) -> None:
        self._courier = courier
        self._store = store
        self._requests: dict[int, _Request] = {}
        self._received: dict[int, Received] = {}

    async def prepare(self, ticket: int, request: ImageRequest) -> Outcome | None:
        """Connect for a request and wait with it; return what it came to where that failed, else None."""
        loop = asyncio.get_running_loop()
        waiting, leave = loop.create_future(), loop.create_future()

        async def before() -> None:
            waiting.set_result(None)
            await leave

        sending = asyncio.create_task(self._courier.send(request, before))
        self._requests[ticket] = _Request(waiting=waiting, leave=leave, sending=sending)
        await asyncio.wait((waiting, sending), return_when=asyncio.FIRST_COMPLETED)
        return self._told(ticket, sending.result()) if sending.done() else None

    async def leave(self, ticket: int) -> Outcome:
        """Let a request leave that waits, and return what it came to."""
        request = self._requests[ticket]
        if not request.leave.done():
            request.leave.set_result(None)
        return self._told(ticket, await request.sending)

    async def drop(self, ticket: int) -> None:
        """Give up a request that waits, unsent."""
        request = self._requests.pop(ticket, None)
        if request is not None:
            request.sending.cancel()
            await asyncio.wait((request.sending,))

    async def collect(self, ticket: int) -> tuple[Arrival, ...]:
        """Return what the items of the reply to a request turn out to be."""
        return await self._kept(await self._courier.collect(self._received.pop(ticket), self._keep))

    async def fetch(self, received: Received) -> tuple[Arrival, ...]:
        """Return what is behind the links of a reply that came to another worker, or long ago."""
        return await self._kept(await self._courier.collect(received, self._keep))

    async def bring(self, digest: str) -> bytes:
        """Return the bytes of an image that was stored from here and that the driver does not see yet."""
        if self._store is None:
            raise FileNotFoundError(digest)
        return await asyncio.to_thread(self._store.read, digest)

    async def hurry(self) -> None:
        """Try no download again that fails from now on."""
        self._courier.hurry()

    def _told(self, ticket: int, outcome: Outcome) -> Outcome:
        """Keep a reply's images here, and return what the driver has to know of it."""
        del self._requests[ticket]
        if not isinstance(outcome, Received):
            return outcome
        self._received[ticket] = outcome
        items = [replace(item, encoded=None) if isinstance(item, ImageItem) else item for item in outcome.items]
        return replace(outcome, items=tuple(items))

    async def _keep(self, _number: int, data: bytes) -> None:
        """Have bytes on the driver's disk before anybody tries to decode them, where that can be."""
        if self._store is not None:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self._store.put, data)

    async def _kept(self, arrivals: Sequence[Arrival]) -> tuple[Arrival, ...]:
        images = [arrival.image.data for arrival in arrivals if isinstance(arrival, Arrived)]
        if self._store is None or not images:
            return tuple(arrivals)
        try:
            await asyncio.to_thread(self._store.put_all, images)
        except OSError:
            # The driver, which can say what is wrong with its disk, tries it itself.
            return tuple(arrivals)
        return tuple(_kept(arrival) if isinstance(arrival, Arrived) else arrival for arrival in arrivals)


def _kept(arrived: Arrived) -> Kept:
    image = arrived.image
    return Kept(
        digest=image.digest,
        media_type=image.media_type,
        extension=image.extension,
        width=image.width,
        height=image.height,
        bytes=len(image.data),
    )

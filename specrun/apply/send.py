"""A claimed request on its way: sent, answered, its images stored, and each of these written down in time."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from specrun.apply.budget import Purse
from specrun.apply.events import Event, How
from specrun.apply.inputs import InputError, Inputs
from specrun.apply.journal import AttemptJournal, ending
from specrun.apply.observe import Observer
from specrun.apply.rescue import rescue
from specrun.apply.results import Failed, Held, NotStarted, Obtained
from specrun.apply.space import Room
from specrun.apply.stop import Stop
from specrun.apply.urls import UrlInputs
from specrun.catalog.schema import ModelSchema
from specrun.imaging import DecodedImage, ImageError
from specrun.model.lock import State
from specrun.model.run import Run
from specrun.provider import outcome
from specrun.provider.client import ImageClient, ImageRequest
from specrun.provider.results import Arrival, Arrived, Unusable
from specrun.provider.wire import request_body
from specrun.store.attempts import AttemptState, Ending, StoredImage
from specrun.store.blobs import Blobs
from specrun.store.ledger import Ledger
from specrun.store.ledger_schema import LedgerError
from specrun.store.manifest import ImageFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is sent for a run: `digest` names the request, `take` how often it was deliberately asked for."""

    run: Run
    digest: str
    take: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """Sends to one provider; `writers` are the threads that write images, `facts` collects what images are."""

    client: ImageClient
    model_of: Callable[[Run], ModelSchema]
    ledger: Ledger
    blobs: Blobs
    quarantine: Blobs
    writers: Executor
    inputs: Inputs
    urls: UrlInputs
    purse: Purse
    room: Room
    stop: Stop
    observer: Observer
    facts: dict[str, ImageFacts]
    emit: Callable[[Event], None]

    async def send(self, request: Request, attempt: int) -> Obtained | Held | Failed | NotStarted:
        """Send a request that was claimed as `attempt`, and return what came of it."""
        refusal = self._reserve(request.run)
        if refusal is not None:
            await self.ledger.withdraw(attempt)
            return refusal
        try:
            await self.urls.ensure(request.run)
            body = await self._body(request.run)
        except (InputError, ImageError, OSError) as error:
            self.purse.release(request.run)
            await self.ledger.withdraw(attempt)
            return Failed(cause=f"an input image cannot be sent: {error}", hint=getattr(error, "hint", ""))
        journal = AttemptJournal(self.ledger, attempt, request.run.address, self.emit)
        key = f"{request.digest}.{request.take}"
        self.room.expect(request.run.images)
        try:
            settled = await self.client.generate(ImageRequest(body=body, idempotency_key=key), journal)
            return await self._settle(request, journal, settled)
        finally:
            self.room.expect(-request.run.images)

    def _reserve(self, run: Run) -> NotStarted | None:
        lacking = self.room.lacking(run.images)
        if lacking:
            self.stop.request(f"the disk is nearly full: {lacking}", "make room, then apply again")
            return NotStarted()
        if not self.purse.reserve(run):
            self.stop.request("the budget of this apply is spent", "raise the limit, then apply again")
            return NotStarted()
        return None

    async def _body(self, run: Run) -> bytes:
        def written() -> bytes:
            model = self.model_of(run)
            return request_body(model, run.params, read=self.inputs.read, response_format=run.response_format)

        # Reading and encoding images takes long enough to keep others waiting.
        return await asyncio.to_thread(written) if run.inputs else written()

    async def _settle(
        self, request: Request, journal: AttemptJournal, settled: outcome.Settled
    ) -> Obtained | Held | Failed | NotStarted:
        run = request.run
        match settled:
            case outcome.Received():
                return await self._receive(request, journal, settled)
            case outcome.Stopped():
                self.purse.release(run)
                await self.ledger.withdraw(journal.attempt)
                return NotStarted()
            case outcome.Failed():
                self.purse.release(run)
                await self.ledger.ended(journal.attempt, ending(settled))
                return Failed(cause=settled.cause, hint=settled.hint, request_id=settled.request_id)
            case outcome.Doom():
                self.purse.release(run)
                return await self._doomed(journal, settled)
            case outcome.Refused():
                self.purse.release(run)
            case outcome.Unknown():
                pass
            case _:
                assert_never(settled)
        end = ending(settled)
        await self.ledger.ended(journal.attempt, end)
        return _held(request, end, ())

    async def _doomed(self, journal: AttemptJournal, doom: outcome.Doom) -> Failed | NotStarted:
        self.stop.request(doom.cause, doom.hint)
        if not journal.sent_count:
            await self.ledger.withdraw(journal.attempt)
            return NotStarted()
        await self.ledger.ended(journal.attempt, ending(doom))
        return Failed(cause=doom.cause, hint=doom.hint, request_id=doom.request_id)

    async def _receive(
        self, request: Request, journal: AttemptJournal, received: outcome.Received
    ) -> Obtained | Held | Failed:
        arrivals = await self.client.collect(received)
        good = [(index, a.image) for index, a in enumerate(arrivals, 1) if isinstance(a, Arrived)]
        images = tuple(_stored(index, image) for index, image in good)
        try:
            kept_aside = await self._keep(journal.attempt, images, arrivals)
            end = _verdict(request.run, received, arrivals, kept_aside)
            await self.ledger.ended(journal.attempt, end)
        except (OSError, LedgerError) as error:
            return self._not_kept(request, received, good, error)
        self.facts.update((image.blob, image.facts) for image in images)
        self.observer.look(request.run, self.model_of(request.run), images)
        blobs = tuple((image.index, image.blob) for image in images)
        if end.state is not AttemptState.RECEIVED:
            return _held(request, end, blobs)
        return Obtained(request_digest=request.digest, take=request.take, blobs=blobs, how=How.REQUESTED)

    async def _keep(self, attempt: int, images: Sequence[StoredImage], arrivals: Sequence[Arrival]) -> tuple[Path, ...]:
        """Store what arrived; return where bytes that are no image were put aside."""
        loop = asyncio.get_running_loop()
        if images:
            await self.ledger.arrived(attempt, images)
            whole = [arrival.image.data for arrival in arrivals if isinstance(arrival, Arrived)]
            await loop.run_in_executor(self.writers, self.blobs.put_all, whole)
        broken = [arrival.data for arrival in arrivals if isinstance(arrival, Unusable)]
        if not broken:
            return ()
        digests = await loop.run_in_executor(self.writers, self.quarantine.put_all, broken)
        return tuple(self.quarantine.path(digest) for digest in digests)

    def _not_kept(
        self,
        request: Request,
        received: outcome.Received,
        good: Sequence[tuple[int, DecodedImage]],
        error: OSError | LedgerError,
    ) -> Held | Failed:
        """Say what became of paid images that could not be stored or written down; nothing more is sent."""
        self.stop.request(f"images cannot be kept: {error}", "make room or mend the disk, then apply again")
        if good and all(self.blobs.has(image.digest) for _, image in good):
            return Failed(cause=f"received and stored, but not written down: {error}", hint="apply again, it is kept")
        rescued = rescue([(f"{request.digest[7:23]}-{index}.{image.extension}", image.data) for index, image in good])
        where = f"its bytes are in {rescued}" if rescued and good else "its bytes are lost"
        return Held(
            state=State.UNKNOWN,
            cause=f"paid for and not stored: {error}; {where}; request id {received.request_id or 'not given'}",
            request_digest=request.digest,
            take=request.take,
            request_id=received.request_id,
            asked=True,
        )


def _stored(index: int, image: DecodedImage) -> StoredImage:
    facts = ImageFacts(media_type=image.media_type, width=image.width, height=image.height, bytes=len(image.data))
    return StoredImage(index=index, blob=image.digest, facts=facts)


def _verdict(run: Run, received: outcome.Received, arrivals: Sequence[Arrival], kept_aside: Sequence[Path]) -> Ending:
    """Return what a reply comes to: all images, some, or bytes that are none."""
    good = sum(isinstance(arrival, Arrived) for arrival in arrivals)
    broken = any(isinstance(arrival, Unusable) for arrival in arrivals)
    if good >= run.images:
        state, cause = AttemptState.RECEIVED, ""
    else:
        state = AttemptState.UNUSABLE if broken and not good else AttemptState.PARTIAL
        troubles = [arrival.cause for arrival in arrivals if not isinstance(arrival, Arrived)]
        reasons = "; ".join(filter(None, dict.fromkeys([*troubles, received.cause])))
        aside = f"; put aside: {', '.join(map(str, kept_aside))}" if kept_aside else ""
        cause = f"{good} of {run.images} images" + (f": {reasons}" if reasons else "") + aside
    return Ending(state=state, cause=cause, status=received.status, request_id=received.request_id)


def _held(request: Request, end: Ending, blobs: tuple[tuple[int, str], ...]) -> Held:
    return Held(
        state=end.state.held or State.UNKNOWN,
        cause=end.cause,
        request_digest=request.digest,
        take=request.take,
        request_id=end.request_id,
        blobs=blobs,
        asked=True,
    )

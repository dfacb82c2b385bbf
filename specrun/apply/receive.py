"""The images of a reply: fetched, looked at, stored, and each of these written down in time."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from specrun.apply.alike import ASIDE
from specrun.apply.aside import Aside, is_aside, item_of
from specrun.apply.events import How
from specrun.apply.group_writer import GroupWriter
from specrun.apply.keep import Keeper, Parcel
from specrun.apply.observe import Observer
from specrun.apply.rescue import rescue
from specrun.apply.results import Failed, Held, Obtained
from specrun.apply.stop import Stop
from specrun.canonical import digest
from specrun.catalog.schema import ModelSchema
from specrun.model.lock import State
from specrun.model.run import Run
from specrun.provider.client import ImageClient
from specrun.provider.outcome import ImageItem, Received
from specrun.provider.results import Arrival, Arrived, Kept, Lost, Missing, Unusable
from specrun.store.attempts import Attempt, AttemptState, Ending, StoredImage
from specrun.store.blobs import Blobs
from specrun.store.ledger import Ledger
from specrun.store.ledger_schema import LedgerError
from specrun.store.manifest import ImageFacts

# So much of a digest names a file to people.
_NAMED = len("sha256:") + 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is sent for a run: `digest` names the request, `take` how often it was deliberately asked for."""

    run: Run
    digest: str
    take: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Receiver:
    """Takes in replies of one provider: `keeper` stores them and writes them down, `facts` collects what images are."""

    client: ImageClient
    model_of: Callable[[Run], ModelSchema]
    ledger: Ledger
    blobs: Blobs
    quarantine: Blobs
    keeper: Keeper
    group_writer: GroupWriter
    stop: Stop
    observer: Observer
    facts: dict[str, ImageFacts]

    async def receive(self, request: Request, attempt: int, received: Received) -> Obtained | Held | Failed:
        """Return the images of a reply, stored, or what it lacks."""
        items = [(index, item) for index, item in enumerate(received.items, 1) if isinstance(item, ImageItem)]
        links = [(index, item.link) for index, item in items if item.link is not None and not is_aside(item.link)]
        if links:
            # Where this cannot be written, neither can what comes next, and that has images to rescue.
            with suppress(LedgerError):
                await self.ledger.linked(attempt, links)
        indices = range(1, len(received.items) + 1)
        aside = Aside(self.ledger, self.quarantine, attempt, indices)
        arrivals = dict(zip(indices, await self.client.collect(received, aside.keep), strict=True))
        found = await self._take_in(request, attempt, received, arrivals, ())
        aside.let_go(arrival.image.digest for arrival in arrivals.values() if isinstance(arrival, Arrived))
        return found

    async def fetch(self, request: Request, attempt: Attempt) -> Obtained | Held | Failed | None:
        """Fetch what an earlier reply linked to, or look at what was put aside; None where nothing of it can be had."""
        end = attempt.ending
        items = await asyncio.to_thread(lambda: tuple(item_of(url, self.quarantine) for _, url in attempt.links))
        received = Received(items=items, status=end.status or 0, request_id=end.request_id)
        indices = [index for index, _ in attempt.links]
        aside = Aside(self.ledger, self.quarantine, attempt.id, indices)
        arrivals = dict(zip(indices, await self.client.collect(received, aside.keep), strict=True))
        here = {index for index, url in attempt.links if is_aside(url)}
        if not any(
            isinstance(arrival, (Arrived, Kept)) or (isinstance(arrival, Unusable) and index in here)
            for index, arrival in arrivals.items()
        ):
            return None
        found = await self._take_in(request, attempt.id, received, arrivals, attempt.images)
        aside.let_go(arrival.image.digest for arrival in arrivals.values() if isinstance(arrival, Arrived))
        match found:
            case Obtained():
                return replace(found, how=How.RESTORED)
            case Held():
                return replace(found, asked=False)
            case Failed():
                return found

    async def _take_in(
        self,
        request: Request,
        attempt: int,
        received: Received,
        arrivals: Mapping[int, Arrival],
        before: tuple[StoredImage, ...],
    ) -> Obtained | Held | Failed:
        images = [
            _stored(index, arrival) for index, arrival in arrivals.items() if isinstance(arrival, (Arrived, Kept))
        ]
        whole = [arrival.image for arrival in arrivals.values() if isinstance(arrival, Arrived)]
        broken = {digest(arrival.data): arrival.data for arrival in arrivals.values() if isinstance(arrival, Unusable)}
        all_images = tuple(sorted([*before, *images], key=lambda image: image.index))
        end = _verdict(request.run, received, len(all_images), arrivals.values(), tuple(broken))
        fresh = {image.digest: image.data for image in whole}
        try:
            parcel = Parcel(attempt=attempt, images=images, whole=fresh, broken=broken, ending=end)
            await self.group_writer.done(self.keeper, parcel)
        except (OSError, LedgerError) as error:
            return self._not_kept(request, received, arrivals, images, error)
        self.facts.update((image.blob, image.facts) for image in images)
        self.observer.look(request.run, self.model_of(request.run), images)
        blobs = tuple((image.index, image.blob) for image in all_images)
        if end.state is not AttemptState.RECEIVED:
            linked = any(isinstance(arrival, Missing) and arrival.url for arrival in arrivals.values())
            return replace(held_by(request, end, blobs), linked=linked)
        return Obtained(request_digest=request.digest, take=request.take, blobs=blobs, how=How.REQUESTED, fresh=fresh)

    def _not_kept(
        self,
        request: Request,
        received: Received,
        arrivals: Mapping[int, Arrival],
        images: Sequence[StoredImage],
        error: OSError | LedgerError,
    ) -> Held | Failed:
        """Say what became of paid images that could not be stored or written down; nothing more is sent."""
        self.stop.request(f"images cannot be kept: {error}", "make room or mend the disk, then apply again")
        if images and all(self.blobs.has(image.blob) for image in images):
            cause = f"received and stored, but not written down: {error}"
            return Failed(cause=cause, hint="apply again, it is kept", paid=True)
        good = [(index, arrival.image) for index, arrival in arrivals.items() if isinstance(arrival, Arrived)]
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


def held_by(request: Request, end: Ending, blobs: tuple[tuple[int, str], ...] = ()) -> Held:
    """Return how the end of a request's attempt holds its run."""
    return Held(
        state=end.state.held or State.UNKNOWN,
        cause=end.cause,
        request_digest=request.digest,
        take=request.take,
        request_id=end.request_id,
        blobs=blobs,
        asked=True,
    )


def _stored(index: int, arrival: Arrived | Kept) -> StoredImage:
    image, size = (arrival, arrival.bytes) if isinstance(arrival, Kept) else (arrival.image, len(arrival.image.data))
    facts = ImageFacts(media_type=image.media_type, width=image.width, height=image.height, bytes=size)
    return StoredImage(index=index, blob=image.digest, facts=facts)


def _verdict(
    run: Run, received: Received, good: int, arrivals: Collection[Arrival], kept_aside: Sequence[str]
) -> Ending:
    """Return what a reply comes to: all images, some, or bytes that are none."""
    broken = any(isinstance(arrival, Unusable) for arrival in arrivals)
    if good >= run.images:
        state, cause = AttemptState.RECEIVED, ""
    else:
        state = AttemptState.UNUSABLE if broken and not good else AttemptState.PARTIAL
        if any(isinstance(arrival, Lost) for arrival in arrivals):
            state = AttemptState.UNKNOWN
        troubles = [arrival.cause for arrival in arrivals if not isinstance(arrival, (Arrived, Kept))]
        reasons = "; ".join(filter(None, dict.fromkeys([*troubles, received.cause])))
        # By digest, as the store names it: the cause is read on other machines too.
        aside = f"{ASIDE}{', '.join(name[:_NAMED] for name in kept_aside)}" if kept_aside else ""
        cause = _came(run.images, good, arrivals) + (f": {reasons}" if reasons else "") + aside
    return Ending(state=state, cause=cause, status=received.status, request_id=received.request_id)


def _came(asked: int, good: int, arrivals: Collection[Arrival]) -> str:
    """Say how far the images came of a request that was answered."""
    if good:
        return f"{good} of {asked} images came"
    if any(isinstance(arrival, Unusable) for arrival in arrivals):
        return "no image decodes"
    if arrivals and all(isinstance(arrival, Missing) and arrival.url for arrival in arrivals):
        return "made by the server, and could not be fetched"
    return "no image came"

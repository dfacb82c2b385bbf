"""What the ledger knows: attempts at requests, and the images that came of them."""

from enum import Enum

import msgspec

from specrun.model.lock import State
from specrun.model.money import NOTHING, Paid, answered, held_paid
from specrun.model.run import Price
from specrun.store.manifest import ImageFacts


class AttemptState(Enum):
    """How far one attempt came, or what came of it."""

    INTENDED = "intended"  # nothing has left this machine
    SENT = "sent"  # from here on it may have been billed
    ARRIVED = "arrived"  # the images are here and on their way into the store
    RECEIVED = "received"  # the images are durable in the store
    FAILED = "failed"  # not billed
    UNKNOWN = "unknown"
    PARTIAL = "partial"
    UNUSABLE = "unusable"
    REFUSED = "refused"

    @property
    def open(self) -> bool:
        """Whether the attempt is still under way, or was when its process died."""
        return self in (AttemptState.INTENDED, AttemptState.SENT, AttemptState.ARRIVED)

    @property
    def held(self) -> State | None:
        """The state that holds a run whose attempt ended like this; None where it holds none."""
        return _HELD.get(self)


_HELD = {
    AttemptState.UNKNOWN: State.UNKNOWN,
    AttemptState.PARTIAL: State.PARTIAL,
    AttemptState.UNUSABLE: State.UNUSABLE,
    AttemptState.REFUSED: State.REFUSED,
}


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to be asked: for whom, of whom, and what it may cost.

    `hold` names the hold of the apply that asks; `price` is per image, None where unknown.
    """

    hold: str
    spec: str
    address: str
    provider: str
    model: str
    request_digest: str
    take: int
    images: int
    price: Price | None


class StoredImage(msgspec.Struct, frozen=True, kw_only=True):
    """One image of a reply: its place in it, from 1, and the digest of its bytes."""

    index: int
    blob: str
    facts: ImageFacts


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an attempt: `cause` is one sentence, `request_id` the server's name for the request."""

    state: AttemptState
    cause: str = ""
    status: int | None = None
    request_id: str = ""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt as the ledger holds it; times are seconds since the epoch.

    `links` are URLs, by index, of images that the server has made and that have not been fetched.
    """

    id: int
    intent: Intent
    ending: Ending
    intended_at: float
    sent_at: float | None
    ended_at: float | None
    images: tuple[StoredImage, ...] = ()
    links: tuple[tuple[int, str], ...] = ()

    @property
    def state(self) -> AttemptState:
        """How far the attempt came."""
        return self.ending.state

    @property
    def paid(self) -> Paid:
        """How many of its images were paid for, and which of these are had."""
        asked, came = self.intent.images, len(self.images)
        match self.state:
            case AttemptState.INTENDED | AttemptState.FAILED:
                return NOTHING
            case AttemptState.SENT | AttemptState.ARRIVED:
                return held_paid(State.UNKNOWN, asked, came)
            case AttemptState.RECEIVED:
                return answered(asked, came)
            case state:
                return held_paid(state.held or State.UNKNOWN, asked, came)

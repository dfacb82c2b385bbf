"""Leave to send a request: one claim a request in the whole project."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass

from specrun.apply.events import Event, Waiting
from specrun.apply.stop import Stop
from specrun.model.lock import State
from specrun.store.attempts import Attempt, Intent
from specrun.store.blobs import Blobs
from specrun.store.ledger import Granted, Ledger
from specrun.store.standing import Free, HeldBack, Made, UnderWay

# How soon to look again whether another request for the same has ended, in seconds.
_FIRST_LOOK, _LATEST_LOOK = 0.02, 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """Claims requests in the ledger, and waits where somebody else has them under way.

    `retry_unknown` and `regenerate_lost` are the user's leave to ask against what the ledger says, for attempts up to
    `horizon`, the last one before this apply. `began` is when it began, in seconds since the epoch.
    """

    ledger: Ledger
    blobs: Blobs
    horizon: int
    began: float
    retry_unknown: bool
    regenerate_lost: bool
    stop: Stop
    emit: Callable[[Event], None]

    async def claim(self, intent: Intent, ignoring: Collection[int]) -> Granted | Made | HeldBack | Free:
        """Return leave to send, or what serves or forbids instead; `Free` where the apply stops before either.

        `ignoring` are ids of attempts that the user wants passed over.
        """
        looks = 0
        while not self.stop.requested:
            found = await self.ledger.claim(intent, ignoring)
            if not isinstance(found, UnderWay):
                return found
            await self._look_later(found, intent, looks)
            looks += 1
        return Free()

    async def outcome(self, intent: Intent) -> Made | HeldBack | Free:
        """Wait until nobody has the request under way, and return what came of it; claims nothing."""
        looks = 0
        while not self.stop.requested:
            found = await self.ledger.look(intent)
            if not isinstance(found, UnderWay):
                return found
            await self._look_later(found, intent, looks)
            looks += 1
        return Free()

    def may_ask_again(self, found: Made | HeldBack) -> bool:
        """Say whether the user wants the request sent again in spite of an earlier attempt."""
        attempt = found.attempt
        if attempt.id > self.horizon:
            return False
        if isinstance(found, HeldBack):
            return self.retry_unknown and attempt.state.held is State.UNKNOWN
        return self.regenerate_lost and not self.stored(attempt)

    def stored(self, attempt: Attempt) -> bool:
        """Say whether all images of an attempt are in the store."""
        return all(self.blobs.has(image.blob) for image in attempt.images)

    async def _look_later(self, found: UnderWay, intent: Intent, looks: int) -> None:
        if not looks and found.attempt.intent.hold != intent.hold:
            self.emit(Waiting(address=intent.address, spec=found.attempt.intent.spec))
        await asyncio.sleep(min(_FIRST_LOOK * 2**looks, _LATEST_LOOK))

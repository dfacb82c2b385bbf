"""One request, from its claim to images in the store.

Why no paid image is lost and none is paid for twice, wherever a kill falls. Each step is durable before the next:

1. `claim`: the intent, in the ledger. Nobody else in the project may ask for the same from here on.
2. `sent`: the request may leave. Killed before this, nothing was sent, and the next apply simply asks. Killed after
   it, nobody knows: the next apply holds the run as unknown.
3. `arrived`: the digests of the images that came. Killed before this, the reply is lost with the process, which is
   what unknown means; but what it only linked to was written down first, and is fetched by the next apply. The
   ledger does not say yet that the images are stored; it says what to look for.
4. `write_all`: the images, in the store. Killed between 3 and 4, the next apply looks for them: where their bytes
   stand, or were staged whole, they are received; where they do not, the run is unknown.
5. `ended`: the images are received, and serve whoever wants them.

The steps of many requests are taken together (`specrun.batches`), so that they share the waits for the disk: one
transaction, or one round of syncs, for all that came while the one before was at work. Each request still goes on only
once its own step is durable, and where one cannot be kept, the others are.

Delivery, lock and manifest come after and follow from these. An outcome without images (failed, refused, unknown)
goes from 2 to 5; until it is written the attempt reads as unknown, which never costs more than a question.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from specrun.apply.claims import Claims
from specrun.apply.events import How
from specrun.apply.receive import Request
from specrun.apply.results import Failed, Held, NotStarted, Obtained
from specrun.apply.send import Sender
from specrun.model.lock import State
from specrun.model.run import Run
from specrun.store.attempts import Attempt, Intent
from specrun.store.ledger import Granted
from specrun.store.standing import Free, HeldBack, Made


@dataclass(frozen=True, kw_only=True, slots=True)
class Asker:
    """Has images made for one spec, under one hold; `senders` are by the name of their provider."""

    spec: str
    hold: str
    claims: Claims
    senders: Mapping[str, Sender]

    async def ask(self, run: Run, digest: str, take: int) -> Obtained | Held | Failed | NotStarted:
        """Have a run's images made, unless they are, or someone in this project is about to."""
        if self.senders[run.provider].gate.closed(run):
            return NotStarted()
        passed_over: set[int] = set()
        while True:
            found = await self.claims.claim(self._intent(run, digest, take), passed_over)
            match found:
                case Granted(attempt=attempt):
                    return await self.senders[run.provider].send(Request(run=run, digest=digest, take=take), attempt)
                case Free():
                    return NotStarted()
                case Made() | HeldBack():
                    pass
            served = await self.served(run, found)
            if isinstance(served, Obtained) or not self.claims.may_ask_again(found):
                return served
            passed_over.add(found.attempt.id)

    async def wait(self, run: Run, digest: str, take: int) -> Obtained | Held | Failed | NotStarted:
        """Have a run's images from whoever else in this project asks for them; send nothing."""
        found = await self.claims.outcome(self._intent(run, digest, take))
        if not isinstance(found, Free):
            return await self.served(run, found)
        if self.claims.stop.requested:
            return NotStarted()
        return Failed(cause="the request that it waited for came to nothing, unbilled", hint="apply again")

    def _intent(self, run: Run, digest: str, take: int) -> Intent:
        return Intent(
            hold=self.hold,
            spec=self.spec,
            address=run.address,
            provider=run.provider,
            model=run.model,
            request_digest=digest,
            take=take,
            images=run.images,
            price=run.price,
        )

    async def served(self, run: Run, found: Made | HeldBack) -> Obtained | Held | Failed:
        """Return what an earlier attempt gives a run, its images fetched where it only linked to them."""
        attempt = found.attempt
        match found:
            case Made():
                if not self.claims.stored(attempt):
                    cause = "received before, but its bytes are nowhere"
                    return Failed(cause=cause, hint="--regenerate-lost asks (and pays) again")
                just_now = (attempt.ended_at or 0) >= self.claims.began
                return made(attempt, How.SHARED if just_now else How.RESTORED)
            case HeldBack():
                return await self._fetched(run, attempt) or held(attempt)
            case _:
                assert_never(found)

    async def _fetched(self, run: Run, attempt: Attempt) -> Obtained | Held | Failed | None:
        sender = self.senders.get(run.provider)
        if not attempt.links or attempt.intent.hold != self.hold or sender is None:
            return None
        intent = attempt.intent
        return await sender.receiver.fetch(Request(run=run, digest=intent.request_digest, take=intent.take), attempt)


def made(attempt: Attempt, how: How) -> Obtained:
    """Return the images of an attempt that is received."""
    return Obtained(
        request_digest=attempt.intent.request_digest,
        take=attempt.intent.take,
        blobs=tuple((image.index, image.blob) for image in attempt.images),
        how=how,
    )


def held(attempt: Attempt) -> Held:
    """Return how an attempt holds the runs that want its request."""
    return Held(
        state=attempt.state.held or State.UNKNOWN,
        cause=attempt.ending.cause,
        request_digest=attempt.intent.request_digest,
        take=attempt.intent.take,
        request_id=attempt.ending.request_id,
        blobs=tuple((image.index, image.blob) for image in attempt.images),
        linked=bool(attempt.links),
    )

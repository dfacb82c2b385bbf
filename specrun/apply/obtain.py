"""Where a run's images come from: a request, another run, the store, or nowhere."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from specrun.apply.ask import Asker, held, made
from specrun.apply.events import How
from specrun.apply.inputs import Inputs
from specrun.apply.results import Blocked, Done, Failed, Held, NotStarted, Obtained, Result
from specrun.apply.shelf import Shelf
from specrun.model.inputs import OutputImage
from specrun.model.lock import LockRow, State
from specrun.model.plan import Action, Verb
from specrun.model.request import request_digest
from specrun.model.run import Run
from specrun.store.ledger_view import view_ledger
from specrun.store.standing import HeldBack, Made, Standing, UnderWay

_AT_HAND = {
    Verb.CREATE: How.RESTORED,
    Verb.REPLACE: How.REPLACED,
    Verb.RESTORE: How.RESTORED,
    Verb.MOVE: How.MOVED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Obtainer:
    """Gets the images of one action after another; `results` are those of the actions before.

    `asker` is None where the plan asks for nothing and nothing is held.
    """

    results: Mapping[str, Result]
    inputs: Inputs
    shelf: Shelf
    asker: Asker | None
    ledger: Path

    async def obtain(self, action: Action, run: Run) -> Obtained | Held | Failed | Blocked | NotStarted:
        """Return a run's images, durable in the store, or why there are none."""
        match action.verb:
            case Verb.CREATE | Verb.REPLACE if action.shares:
                return self._shared(self.results.get(action.shares, NotStarted()))
            case Verb.CREATE | Verb.REPLACE if action.asks:
                return await self._asked(action, run)
            case Verb.CREATE | Verb.REPLACE | Verb.RESTORE | Verb.MOVE:
                return await self._locked(action, run, _AT_HAND[action.verb])
            case Verb.HELD:
                return await self._held(action, run)
            case Verb.BLOCKED:
                lacking = self._lacking(run)
                return Failed(cause=action.reason, hint="then apply again") if lacking is None else Blocked(by=lacking)
            case Verb.LOST | Verb.KEEP | Verb.ORPHAN:
                cause, _, hint = action.reason.partition("; ")
                return Failed(cause=cause, hint=hint)

    async def _asked(self, action: Action, run: Run) -> Obtained | Held | Failed | Blocked | NotStarted:
        lacking = self._lacking(run)
        digest = request_digest(run, self.inputs.digest)
        if lacking is not None:
            # What was not even sent may be by the next apply, and this with it.
            waits = isinstance(self.results.get(lacking), NotStarted)
            return NotStarted() if waits else Blocked(by=lacking)
        if digest is None or self.asker is None:
            return Failed(cause="an input URL has not been fetched yet", hint="`specrun lock SPEC` fetches it")
        rows = (row for row in (action.row, action.origin) if row is not None)
        unchanged = next((row for row in rows if _same_request(action, row, digest)), None)
        if unchanged is not None and await self.shelf.has_all(unchanged):
            return _locked_images(unchanged, How.KEPT)
        shared = await self._from_shared(digest, action.take, unchanged) if self.shelf.shared else None
        return shared or await self.asker.ask(run, digest, action.take)

    async def _from_shared(self, digest: str, take: int, unchanged: LockRow | None) -> Obtained | Failed | None:
        """Return images that were made before and that only the shared store may have; None where none can be had."""
        blobs = [] if unchanged is None else [output.blob for output in unchanged.outputs]
        found = self._standing(digest, take)
        if isinstance(found, Made):
            blobs = [image.blob for image in found.attempt.images]
            if await self.shelf.fetch_all(blobs):
                return made(found.attempt, How.RESTORED)
        trouble = self.shelf.trouble(blobs)
        if trouble is None or trouble.gone:
            return None
        # Paying again for what the store may well have is not for an apply to decide.
        return Failed(cause=str(trouble), hint=trouble.hint)

    def _shared(self, first: Result) -> Obtained | Held | Failed | Blocked | NotStarted:
        if isinstance(first, Done):
            blobs = tuple((output.index, output.blob) for output in first.outputs)
            return Obtained(request_digest=first.request_digest, take=first.take, blobs=blobs, how=How.SHARED)
        if isinstance(first, Held):
            return replace(first, asked=False)
        return replace(first, paid=False) if isinstance(first, Failed) else first

    async def _locked(self, action: Action, run: Run, how: How) -> Obtained | Failed:
        row = action.origin or action.row
        if row is not None and row.key == run.key and row.outputs and await self.shelf.has_all(row):
            return _locked_images(row, how)
        found = self._standing(request_digest(run, self.inputs.digest), action.take)
        blobs = [] if row is None else [output.blob for output in row.outputs]
        if isinstance(found, Made):
            blobs = [image.blob for image in found.attempt.images]
            if await self.shelf.fetch_all(blobs):
                return made(found.attempt, how)
        trouble = self.shelf.trouble(blobs)
        if trouble is not None:
            return Failed(cause=str(trouble), hint=trouble.hint)
        return Failed(cause="its bytes have left the store since it was planned", hint="plan again")

    async def _held(self, action: Action, run: Run) -> Obtained | Held | Failed | NotStarted:
        """Deliver what turns out to have been received, wait for what is under way elsewhere, hold everything else."""
        row = action.origin
        if row is None or row.key == run.key:
            digest = row.request_digest if row is not None else request_digest(run, self.inputs.digest)
            found = self._standing(digest, action.take)
            if isinstance(found, Made) and await self.shelf.fetch_all(image.blob for image in found.attempt.images):
                return made(found.attempt, How.RESTORED)
            if isinstance(found, UnderWay) and digest is not None and self.asker is not None:
                return await self.asker.wait(run, digest, action.take)
            if isinstance(found, HeldBack):
                return held(found.attempt) if self.asker is None else await self.asker.served(run, found)
        return Held(
            state=row.state if row is not None and row.state is not None else State.UNKNOWN,
            cause=action.reason,
            request_digest=None if row is None else row.request_digest,
            take=action.take,
            outputs=() if row is None else row.outputs,
            stamp=None if row is None else row.provenance,
            was=action.held,
        )

    def _lacking(self, run: Run) -> str | None:
        """Return the run whose missing image keeps this one from being asked for."""
        chained = (image for image in run.inputs if isinstance(image, OutputImage))
        return next((image.address for image in chained if self.inputs.digest(image) is None), None)

    def _standing(self, digest: str | None, take: int) -> Standing | None:
        if digest is None:
            return None
        with view_ledger(self.ledger) as ledger:
            return ledger.standings({digest: take}).get(digest)


def _same_request(action: Action, row: LockRow, digest: str) -> bool:
    """Say whether a locked row answers this very request: its inputs turned out as they were."""
    made_before = bool(row.outputs) and row.state in (None, State.ORPHAN)
    return made_before and row.request_digest == digest and action.take <= row.take


def _locked_images(row: LockRow, how: How) -> Obtained:
    blobs = tuple((output.index, output.blob) for output in row.outputs)
    return Obtained(request_digest=row.request_digest, take=row.take, blobs=blobs, how=how, origin=row)

"""A held run settled by a person's word, without a request and without pay."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from msgspec.structs import replace

from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.imaging import DecodedImage
from specrun.model.lock import Lock, LockRow, State
from specrun.store.attempts import AttemptState, Ending, Intent, StoredImage
from specrun.store.blobs import Blobs
from specrun.store.hold import hold
from specrun.store.hold_name import hold_name
from specrun.store.ledger import Ledger
from specrun.store.ledger_view import view_ledger
from specrun.store.lockfile import read_lock, write_lock
from specrun.store.manifest import ImageFacts
from specrun.store.standing import HeldBack, Standing


class Word(Enum):
    """What a person found out."""

    NOT_BILLED = "not billed"
    FILE = "file"
    ACCEPT = "accept"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """A held run, and what is said of it; `images` are those given for it, by index from 1."""

    address: str
    lock: Path
    word: Word
    images: tuple[DecodedImage, ...] = ()


_SETTLES = {
    Word.NOT_BILLED: (State.UNKNOWN,),
    Word.FILE: (State.UNKNOWN, State.PARTIAL, State.UNUSABLE, State.REFUSED),
    Word.ACCEPT: (State.PARTIAL, State.REFUSED),
}


def resolve(settlement: Settlement, state: Path) -> LockRow:
    """Settle a run in ledger and lock, in this order, and return its row; `state` is the project's `.specrun`.

    Raises `InvalidInputError` where the run is not held in a way that this word settles.
    """
    lock = read_lock(settlement.lock)
    if lock is None:
        raise _unsettled(settlement, "there is no lock")
    with hold(state / "holds", lock.spec, lock.name):
        return _settle(settlement, _found(settlement), state)


def _found(settlement: Settlement) -> tuple[Lock, LockRow]:
    """Return the lock as it is now that nobody else writes it, and the row."""
    lock = read_lock(settlement.lock)
    row = None if lock is None else lock.rows.get(settlement.address)
    if lock is None or row is None:
        raise _unsettled(settlement, "it is not in the lock")
    if row.state not in _SETTLES[settlement.word]:
        held = "not held" if row.state in (None, State.ORPHAN) else f"held as {row.state.value}"
        raise _unsettled(settlement, f"it is {held}, which this does not settle")
    return lock, row


def _settle(settlement: Settlement, found: tuple[Lock, LockRow], state: Path) -> LockRow:
    lock, row = found
    match settlement.word:
        case Word.NOT_BILLED:
            _let_go(row, state)
            settled = replace(row, state=None)
        case Word.FILE:
            _check_count(settlement, row)
            _take_in(lock, row, state, settlement.images)
            settled = replace(row, state=None, outputs=(), provenance=None)
        case Word.ACCEPT:
            settled = replace(row, state=None, accepted=not row.outputs)
    write_lock(settlement.lock, replace(lock, rows={**lock.rows, row.address: settled}))
    return settled


def _let_go(row: LockRow, state: Path) -> None:
    """End the attempts that hold a run as not billed, so that it may be asked for like any other."""
    if row.request_digest is None or not (state / "ledger.db").exists():
        return
    ending = Ending(state=AttemptState.FAILED, cause="not billed, says a person")
    wanted = {row.request_digest: row.take}
    with Ledger(state / "ledger.db", state / "holds", Blobs(state / "store")) as ledger:
        while isinstance(standing := _standing(state, wanted), HeldBack):
            ledger.settle(standing.attempt.id, ending)


def _standing(state: Path, wanted: dict[str, int]) -> Standing | None:
    with view_ledger(state / "ledger.db") as view:
        return next(iter(view.standings(wanted).values()), None)


def _take_in(lock: Lock, row: LockRow, state: Path, images: tuple[DecodedImage, ...]) -> None:
    """Store images and record them as the answer to the run's request; the next apply delivers them."""
    digest = row.request_digest or row.key
    if digest is None:
        return
    blobs = Blobs(state / "store")
    intent = Intent(
        hold=hold_name(lock.spec, lock.name),
        spec=lock.spec,
        address=row.address,
        provider=row.provider,
        model=row.model,
        request_digest=digest,
        take=row.take,
        images=len(images),
        price=None,
    )
    stored = [_stored(index, image, blobs) for index, image in enumerate(images, start=1)]
    ending = Ending(state=AttemptState.RECEIVED, cause="images given by a person")
    with Ledger(state / "ledger.db", state / "holds", blobs) as ledger:
        ledger.record(intent, ending, stored)


def _stored(index: int, image: DecodedImage, blobs: Blobs) -> StoredImage:
    facts = ImageFacts(media_type=image.media_type, width=image.width, height=image.height, bytes=len(image.data))
    return StoredImage(index=index, blob=blobs.put(image.data), facts=facts)


def _check_count(settlement: Settlement, row: LockRow) -> None:
    wanted = row.params.get("n", 1)
    if isinstance(wanted, int) and len(settlement.images) != wanted:
        raise _unsettled(settlement, f"it asks for {wanted} images, and {len(settlement.images)} are given")


def _unsettled(settlement: Settlement, why: str) -> InvalidInputError:
    detail = f"{settlement.address}: {why}"
    hint = "`specrun show` tells what is known of it"
    return InvalidInputError(Diagnostic(summary="not settled", detail=detail, hint=hint))

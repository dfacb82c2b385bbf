"""Held runs settled by a person's word, without a request and without pay."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from msgspec.structs import replace

from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.imaging import DecodedImage
from specrun.model.held import Place, held_row
from specrun.model.lock import Lock, LockRow, State
from specrun.model.money import images_asked, row_request
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
    """Held runs of one lock, and what is said of them; `images` are those given for the one run, by index from 1."""

    addresses: tuple[str, ...]
    lock: Path
    word: Word
    images: tuple[DecodedImage, ...] = ()


_SETTLES = {
    Word.NOT_BILLED: (State.UNKNOWN,),
    Word.FILE: (State.UNKNOWN, State.PARTIAL, State.UNUSABLE, State.REFUSED),
    Word.ACCEPT: (State.PARTIAL, State.REFUSED),
}


def settles(word: Word, row: LockRow) -> bool:
    """Say whether a word settles how a run is held."""
    return row.held and row.state in _SETTLES[word]


def together(lock: Lock, addresses: Iterable[str]) -> tuple[str, ...]:
    """Return addresses with those that the same requests hold: what settles a request settles all its runs."""
    wanted = set(addresses)
    requests = {row_request(lock.rows[address]) for address in wanted if address in lock.rows}
    alike = {row.address for row in lock.rows.values() if row.held and row_request(row) in requests}
    return tuple(sorted(wanted | alike))


def resolve(settlement: Settlement, state: Path) -> tuple[LockRow, ...]:
    """Settle runs in ledger and lock, in this order, and return their rows; `state` is the project's `.specrun`.

    Raises `InvalidInputError`, before anything is written, where one of them is not held in a way that this settles.
    """
    lock = read_lock(settlement.lock)
    if lock is None:
        raise InvalidInputError(_nothing(settlement.lock))
    with hold(state / "holds", lock.spec, lock.name):
        # As it is now that nobody else writes it.
        lock = read_lock(settlement.lock) or lock
        rows = [_found(settlement, lock, address) for address in settlement.addresses]
        match settlement.word:
            case Word.NOT_BILLED:
                _let_go(rows, state)
                settled = [replace(row, state=None) for row in rows]
            case Word.FILE:
                _take_in(lock, rows[0], state, settlement.images)
                settled = [replace(row, state=None, outputs=(), provenance=None) for row in rows]
            case Word.ACCEPT:
                settled = [_accepted(row) for row in rows]
        write_lock(settlement.lock, replace(lock, rows={**lock.rows, **{row.address: row for row in settled}}))
    return tuple(settled)


def unsettled(row: LockRow | None, address: str, place: Place, lock: Lock) -> Diagnostic:
    """Say why a word settles nothing of a run, and what does; `row` is None where the lock has none."""
    if row is None or not row.held:
        why = "it is not in the lock" if row is None else "it is not held, which this does not settle"
        return _diagnostic(address, why, "`specrun plan SPEC` lists what is held")
    held = held_row(row, None)
    steps = () if held is None else held.steps(replace(place, selector=address))
    # A lock has the digests of variables, not what they are: only whoever gave them can write that apply.
    hint = "; ".join(
        f"{step.when}: apply with `{step.asking}`" if step.asking and lock.vars else f"{step.when}: `{step.command}`"
        for step in steps
    )
    name = "" if row.state is None else row.state.value
    return _diagnostic(address, f"it is held as {name}, which this does not settle", hint)


def _found(settlement: Settlement, lock: Lock, address: str) -> LockRow:
    row = lock.rows.get(address)
    if row is None or not settles(settlement.word, row):
        raise InvalidInputError(unsettled(row, address, Place(), lock))
    asked = images_asked(row)
    if settlement.word is Word.FILE and len(settlement.images) != asked:
        why = f"it asks for {asked} images, and {len(settlement.images)} are given"
        raise InvalidInputError(_diagnostic(address, why, "give --file once for each, in their order"))
    return row


def _accepted(row: LockRow) -> LockRow:
    """Return a row that stays as it is; one that was paid for in vain keeps its state, which says so."""
    if row.outputs:
        return replace(row, state=None)
    return replace(row, state=row.state if row.state is State.PARTIAL else None, accepted=True)


def _let_go(rows: Iterable[LockRow], state: Path) -> None:
    """End the attempts that hold runs as not billed, so that they may be asked for like any other."""
    wanted = {row.request_digest: row.take for row in rows if row.request_digest is not None}
    if not wanted or not (state / "ledger.db").exists():
        return
    ending = Ending(state=AttemptState.FAILED, cause="not billed, says a person")
    with Ledger(state / "ledger.db", state / "holds", Blobs(state / "store")) as ledger:
        while holding := [each for each in _standings(state, wanted).values() if isinstance(each, HeldBack)]:
            for standing in holding:
                ledger.settle(standing.attempt.id, ending)


def _standings(state: Path, wanted: dict[str, int]) -> Mapping[str, Standing]:
    with view_ledger(state / "ledger.db") as view:
        return view.standings(wanted)


def _take_in(lock: Lock, row: LockRow, state: Path, images: tuple[DecodedImage, ...]) -> None:
    """Store images and record them as the answer to the run's request; the next apply delivers them.

    The attempt that holds the run is answered by them, and so was paid for what they cost.
    """
    digest = row.request_digest or row.key
    if digest is None:
        return
    blobs = Blobs(state / "store")
    stored = [_stored(index, image, blobs) for index, image in enumerate(images, start=1)]
    ending = Ending(state=AttemptState.RECEIVED, cause="images given by a person")
    standing = _standings(state, {digest: row.take}).get(digest)
    with Ledger(state / "ledger.db", state / "holds", blobs) as ledger:
        if isinstance(standing, HeldBack):
            ledger.answer(standing.attempt, ending, stored)
        else:
            ledger.record(_intent(lock, row, digest, len(images)), ending, stored)


def _intent(lock: Lock, row: LockRow, digest: str, images: int) -> Intent:
    return Intent(
        hold=hold_name(lock.spec, lock.name),
        spec=lock.spec,
        address=row.address,
        provider=row.provider,
        model=row.model,
        request_digest=digest,
        take=row.take,
        images=images,
        price=None,
    )


def _stored(index: int, image: DecodedImage, blobs: Blobs) -> StoredImage:
    facts = ImageFacts(media_type=image.media_type, width=image.width, height=image.height, bytes=len(image.data))
    return StoredImage(index=index, blob=blobs.put(image.data), facts=facts)


def _nothing(path: Path) -> Diagnostic:
    return _diagnostic(path.name, "there is no lock", "`specrun apply SPEC` writes it")


def _diagnostic(subject: str, why: str, hint: str) -> Diagnostic:
    return Diagnostic(summary="not settled", detail=f"{subject}: {why}", hint=hint)

"""What git or a person has changed in a lock's file while an apply went on, joined with what the apply made."""

from collections.abc import Sequence

from msgspec.structs import replace

from specrun.apply.events import Warned
from specrun.apply.lock_file import LockFile, stamp_of
from specrun.apply.place import Place
from specrun.apply.session import Session
from specrun.diagnostics import Diagnostic, Severity
from specrun.model.lock import Lock, LockRow, State
from specrun.store.lockfile import read_sides


def changed_sides(place: Place, file: LockFile, lock: Lock) -> Sequence[Lock] | None:
    """Return what the lock's file holds where that is not what was last read or written here; None where it is.

    `lock` says whose it must be. A shard's part is nobody else's.
    """
    now = stamp_of(place)
    if place.shard is not None or (now is not None and now == file.stamp):
        return None
    return [side for side in read_sides(place.lock) if side.spec == lock.spec]


def catch_up(file: LockFile, lock: Lock, sides: Sequence[Lock]) -> Lock:
    """Return the lock with what `sides`, all that its file holds now, have changed in it; `before` follows."""
    joined = rejoined(file.said, lock, sides)
    moved = {
        address: joined.rows.get(address)
        for address in {**lock.rows, **joined.rows}
        if joined.rows.get(address) != lock.rows.get(address)
    }
    if moved:
        before = {} if file.before is None else file.before.rows
        rows = {address: row for address, row in {**before, **moved}.items() if row is not None}
        file.before = replace(lock, rows=rows)
    return joined


def warn_of_changes(session: Session) -> None:
    """Say that others have changed the lock."""
    diagnostic = Diagnostic(
        summary="lock changed meanwhile",
        detail=f"{session.place.lock} is not what it was when this apply began; what changed there was kept",
        hint="plan again to see what follows from it",
        severity=Severity.WARNING,
    )
    session.tally.emit(Warned(job="", diagnostic=diagnostic))


def rejoined(before: Lock | None, made: Lock, sides: Sequence[Lock]) -> Lock:
    """Return what was made over what stood before, with what else the sides that stand now have changed.

    What an apply has made, or holds, stays; of all other rows the file's word counts, also where it has none any more.
    """
    old = {} if before is None else before.rows
    rows = dict(made.rows)
    for side in sides:
        for address in {**old, **side.rows}:
            theirs = side.rows.get(address)
            mine = rows.get(address)
            if theirs == old.get(address) or (mine is not None and mine != old.get(address) and _tells(mine)):
                continue
            if theirs is not None:
                rows[address] = theirs
            elif mine == old.get(address):
                rows.pop(address, None)
    return replace(made, rows=rows)


def _tells(row: LockRow) -> bool:
    return bool(row.outputs) or row.state not in (None, State.ORPHAN)

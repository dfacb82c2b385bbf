"""What git or a person has changed in a lock's file while an apply went on, joined with what the apply made."""

from collections.abc import Sequence

from msgspec.structs import replace

from specrun.apply.events import Warned
from specrun.apply.place import Place
from specrun.apply.session import Session
from specrun.diagnostics import Diagnostic, Severity
from specrun.model.lock import Lock, LockRow, State
from specrun.store.lockfile import read_sides
from specrun.store.seen import Stamp, stamp


def stamp_of(place: Place) -> Stamp | None:
    """Return what the lock's file is like, None where there is none, or where that proves nothing."""
    try:
        return stamp(str(place.lock))
    except FileNotFoundError:
        return None


def catch_up(session: Session, lock: Lock) -> Lock:
    """Return the lock that an apply leaves, with what has moved in its file since the apply began; say so."""
    place = session.place
    if place.shard is not None:
        return lock
    now = stamp_of(place)
    if now is not None and now == session.stamp:
        return lock
    sides = [side for side in read_sides(place.lock) if side.spec == lock.spec]
    joined = rejoined(session.lock, lock, sides)
    if joined.rows != lock.rows:
        diagnostic = Diagnostic(
            summary="lock changed meanwhile",
            detail=f"{place.lock} is not what it was when this apply began; what changed there was kept",
            hint="plan again to see what follows from it",
            severity=Severity.WARNING,
        )
        session.tally.emit(Warned(job="", diagnostic=diagnostic))
    return joined


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

"""What an apply leaves behind: superseded files removed, then the lock, then the manifest."""

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from specrun.apply.catch_up import catch_up, changed_sides, warn_of_changes
from specrun.apply.delivery import Delivery
from specrun.apply.events import How, Warned
from specrun.apply.listing import gather_facts, listed
from specrun.apply.lock_file import stamp_of
from specrun.apply.record import locked, standing_paths, superseded
from specrun.apply.results import Done
from specrun.apply.session import Session
from specrun.diagnostics import Diagnostic, Severity
from specrun.model.lock import Lock
from specrun.store.lockfile import write_lock
from specrun.store.manifest import write_manifest
from specrun.store.seen import seen_files


def leave(session: Session, delivery: Delivery) -> Lock:
    """Write what is now so, and return the lock; what has not changed is not written.

    Superseded files go first: were the lock to forget them before they are gone, a kill in between would leave files
    that nobody knows. Their images stay in the store.
    """
    place = session.place
    lock = _caught_up(session)
    _warn_of_aside(session, delivery.aside)
    for path, why in delivery.remove(superseded(session.plan.actions, session.results), standing_paths(lock)).left:
        warn_of_edited(session, path, why)
    if place.shard is not None:
        mine = {action.address for action in session.plan.actions}
        lock = replace(lock, rows={address: row for address, row in lock.rows.items() if address in mine})
    if not _stands(session, lock):
        write_lock(place.written_lock, lock)
    facts = gather_facts(lock, session.facts, ledger=place.ledger, blobs=session.blobs, outputs=place.outputs)
    write_manifest(place.outputs, listed(lock, session.plan, facts, session.prices.of), place.written_manifest)
    _remember(session, lock)
    return lock


def _caught_up(session: Session) -> Lock:
    """Return the lock that says what became of each action, with what others have changed in its file meanwhile."""
    place, file = session.place, session.lock_file
    lock = locked(session.plan, place.spec, file.before, session.results, session.inputs())
    sides = changed_sides(place, file, lock)
    if sides is None:
        return lock
    joined = catch_up(file, lock, sides)
    if joined.rows != lock.rows:
        warn_of_changes(session)
    return joined


def _stands(session: Session, lock: Lock) -> bool:
    """Say whether the lock's file is known to say just this, which is faster to see than to write."""
    file = session.lock_file
    if session.place.shard is not None or file.stamp is None:
        return False
    return stamp_of(session.place) == file.stamp and lock == file.said


def _remember(session: Session, lock: Lock) -> None:
    """Spare the next plan reading what this apply has written."""
    done = (result for result in session.results.values() if isinstance(result, Done) and result.how is not How.KEPT)
    written = {output.path: output.file for result in done for output in result.outputs}
    # In the order of the lock, in which a plan looks for them.
    outputs = [output for address in sorted(lock.rows) for output in lock.rows[address].outputs]
    paths, files = ([output.path for output in outputs], [output.file for output in outputs])
    seen = seen_files(session.place.state, session.place.outputs)
    if written or not seen.knows(paths, files) or not seen.unmoved():
        seen.remember(paths, written)


def _warn_of_aside(session: Session, aside: Sequence[tuple[Path, Path]]) -> None:
    if not aside:
        return
    (path, kept), root = aside[0], session.place.root
    more = f"; {len(aside) - 1} more likewise, below {_shown(session.place.kept, root)}" if len(aside) > 1 else ""
    diagnostic = Diagnostic(
        summary="edited file kept aside",
        detail=f"{_shown(path, root)} was changed by hand; what it held is now {_shown(kept, root)}{more}",
        hint="delete it if it is not wanted",
        severity=Severity.WARNING,
    )
    session.tally.emit(Warned(job="", diagnostic=diagnostic))


def warn_of_edited(session: Session, path: str, why: str) -> None:
    """Say that a superseded file stays, and why."""
    diagnostic = Diagnostic(
        summary="edited file left in place",
        detail=f"{_shown(session.place.outputs / path, session.place.root)} was replaced or moved, and {why}",
        hint="delete it if it is not wanted",
        severity=Severity.WARNING,
    )
    session.tally.emit(Warned(job=path, diagnostic=diagnostic))


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)

"""What the specs no longer want, removed: orphaned outputs, and stored images that no lock names."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from specrun.apply.delivery import Delivery
from specrun.apply.place import place_of
from specrun.apply.record import standing_paths
from specrun.model.lock import LockRow, State
from specrun.model.output_path import folded
from specrun.model.plan import Plan, Verb
from specrun.model.project import Project
from specrun.store.blobs import Blobs
from specrun.store.hold import hold
from specrun.store.lockfile import lock_path, read_lock, write_lock


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruned:
    """What was removed: runs from the lock, files from the outputs; those `left` in place stay, each for a reason."""

    runs: int
    files: int
    left: tuple[tuple[str, str], ...]


def orphans(plan: Plan) -> tuple[LockRow, ...]:
    """Return the rows that the spec no longer has and that hold no open question."""
    rows = [action.row for action in plan.actions if action.verb is Verb.ORPHAN]
    return tuple(row for row in rows if row is not None and row.state in (None, State.ORPHAN))


def own_files(plan: Plan, rows: Iterable[LockRow]) -> Mapping[str, tuple[str, ...]]:
    """Return the paths that only these rows of a plan's lock have, by address; at others live runs have theirs."""
    gone = {row.address: row for row in rows}
    locked = {} if plan.lock is None else plan.lock.rows
    live = {folded(output.path) for row in locked.values() if row.address not in gone for output in row.outputs}
    return {
        address: tuple(output.path for output in row.outputs if folded(output.path) not in live)
        for address, row in gone.items()
    }


def prune(plan: Plan, project: Project) -> Pruned:
    """Remove a plan's orphans, files first, so that a kill in between leaves them known; raises `BusyError`.

    Their images stay in the store, and come back without a request where a spec wants them again.
    """
    place = place_of(plan, project, lock_path(plan.spec, plan.asked.variant))
    with hold(place.holds, place.spec, place.name):
        lock = read_lock(place.lock)
        if lock is None:
            return Pruned(runs=0, files=0, left=())
        wanted = {row.address: row.key for row in orphans(plan)}
        gone = {name: row for name, row in lock.rows.items() if name in wanted and row.key == wanted[name]}
        left = replace(lock, rows={name: row for name, row in lock.rows.items() if name not in gone})
        outputs = [output for row in gone.values() for output in row.outputs]
        found = Delivery(place, place.blobs(), lock.rows).remove(outputs, standing_paths(left))
        write_lock(place.lock, left)
        return Pruned(runs=len(gone), files=len(found.removed), left=found.left)


def unreferenced(store: Blobs, locked: Iterable[LockRow]) -> Iterator[Path]:
    """Yield the stored files that none of these rows names, as an output or as an input."""
    names = named(locked)
    for blob, path in store.all():
        if blob not in names:
            yield path


def named(locked: Iterable[LockRow]) -> set[str]:
    """Return the stored images that rows name, as outputs or as inputs."""
    names = set()
    for row in locked:
        names |= {output.blob for output in row.outputs} | {found for found in row.inputs.values() if found}
    return names

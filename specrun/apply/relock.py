"""What `lock` does: pin, write the lock, or say what would change."""

from collections.abc import Callable

from specrun.apply.inputs import Inputs
from specrun.apply.listing import gather_facts, listed
from specrun.apply.pin import moved_pins, pin
from specrun.apply.place import Place, place_of
from specrun.apply.session import as_found
from specrun.model.inputs import OutputImage
from specrun.model.lock import Lock, LockedOutput, LockRow
from specrun.model.plan import Plan
from specrun.model.project import Project
from specrun.model.run import Price
from specrun.store.conflict import has_conflict
from specrun.store.hold import hold
from specrun.store.lockfile import lock_path, read_lock, write_lock
from specrun.store.manifest import FILE_NAME, write_manifest
from specrun.store.parts import read_standing


def stale_pins(plan: Plan, project: Project) -> tuple[tuple[str, str], ...]:
    """Return what moves, and how, for each pin of the lock that this plan would move."""
    place = place_of(plan, project, lock_path(plan.spec, plan.asked.variant))
    old = read_standing(place.lock, place.shard)
    return tuple(moved_pins(old, _pinned(plan, place, old)))


def relock(plan: Plan, project: Project, price_of: Callable[[LockRow], Price | None]) -> tuple[tuple[str, str], ...]:
    """Pin a plan in its lock, generating nothing; return what moved, and how. Raises `BusyError`.

    Where git has left both sides of the manifest, too, it is written anew.
    """
    place = place_of(plan, project, lock_path(plan.spec, plan.asked.variant))
    with hold(place.holds, place.spec, place.name):
        old = read_lock(place.lock)
        new = _pinned(plan, place, old)
        write_lock(place.lock, new)
        if has_conflict(place.outputs / FILE_NAME):
            _, facts = as_found(place)
            known = gather_facts(new, facts, ledger=place.ledger, blobs=place.blobs(), outputs=place.outputs)
            write_manifest(place.outputs, listed(new, plan, known, price_of))
        return tuple(moved_pins(old, new))


def _pinned(plan: Plan, place: Place, old: Lock | None) -> Lock:
    return pin(plan, place.spec, old, Inputs(place, place.blobs(), _upstream(plan)))


def _upstream(plan: Plan) -> Callable[[OutputImage], LockedOutput | None]:
    """Return what finds the image that a chained input is, where it has been made under the key wanted."""
    rows = {
        action.address: row
        for action in plan.actions
        if action.run is not None
        for row in (action.origin, action.row)
        if row is not None and row.key == action.run.key
    }

    def find(image: OutputImage) -> LockedOutput | None:
        row = rows.get(image.address)
        outputs = () if row is None else row.outputs
        return next((output for output in outputs if output.index == image.index), None)

    return find

"""What to write down of a spec with nothing left to do, so that the next command need not plan it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from specrun.canonical import digest
from specrun.model.plan import Plan, Verb
from specrun.model.project import Project
from specrun.plan.make import spec_name
from specrun.plan.request import PlanRequest
from specrun.store.hold_name import hold_name, holder_path
from specrun.store.lockfile import lock_path
from specrun.store.manifest import FILE_NAME
from specrun.store.seen import SeenFiles, changed, seen_files, seen_path
from specrun.store.settled import Settled, look, search

# Nanoseconds by which a file system's clock may lag behind.
LAG = 20_000_000


def settled(plan: Plan, request: PlanRequest, project: Project, began: int) -> Settled | None:
    """Return what a plan proves, as long as no file that it follows from moves; None where that may be too little.

    It is too little where anything is left to do or to say, where images may have to be uploaded, where facts stand
    beside images, which nobody looks at one by one, and where a file may have changed after the plan `began` (Unix
    time in nanoseconds).
    """
    context = request.context
    if context is None or plan.warnings or project.store is not None:
        return None
    outputs = project.outputs / plan.name
    if not plan.kept_at_a_glance and not _kept(plan, seen_files(project.state, outputs)):
        return None
    kept = kept_files(plan, request, project)
    # What a killed apply left behind is for the next one to pick up, whatever its plan says.
    holder = holder_path(project.state / "holds", hold_name(spec_name(request.spec, project), plan.name))
    reads, left = look(plan.reads.files), look([*kept, holder])
    if reads is None or left is None or left[str(holder)] is not None or any(left[str(path)] is None for path in kept):
        return None
    if any(stamp is not None and changed(stamp) > began - LAG for stamp in (*reads.values(), *left.values())):
        return None
    return Settled(
        context=context,
        name=plan.name,
        kept=Counter(action.run.job for action in plan.actions if action.run is not None),
        prices=_prices(plan),
        outputs=str(outputs),
        reads=reads,
        left=left,
        globs=[(str(folder), pattern, search(str(folder), pattern)) for folder, pattern in plan.reads.globs],
    )


def left_as_wanted(plan: Plan, request: PlanRequest, project: Project, before: Settled) -> bool:
    """Say whether an apply of a plan would leave behind just what one left `before`.

    The lock follows from the plan, the manifest from the lock and from prices; axes are part of addresses.
    """
    lock = plan.lock
    return (
        plan.kept_at_a_glance
        and project.store is None
        and lock is not None
        and (plan.name, str(project.outputs / plan.name)) == (before.name, before.outputs)
        and (lock.spec, lock.name) == (spec_name(request.spec, project), plan.name)
        and (lock.files, lock.vars) == (plan.files, plan.vars)
        and _prices(plan) == before.prices
        and all(action.row.pins(action.run) for action in plan.actions if action.run and action.row)
        and before.left_alone()
    )


def kept_files(plan: Plan, request: PlanRequest, project: Project) -> Sequence[Path]:
    """Return the files that an apply leaves beside images: the lock, the manifest, and the list of files seen."""
    outputs = project.outputs / plan.name
    return (
        lock_path(request.spec, request.name).absolute(),
        outputs / FILE_NAME,
        seen_path(project.state, outputs),
    )


def _kept(plan: Plan, seen: SeenFiles) -> bool:
    """Say whether a plan keeps all images, and whether each has been seen to be as it is."""
    rows = [action.row for action in plan.actions if action.verb is Verb.KEEP and action.row is not None]
    made = [output for row in rows for output in row.outputs]
    told = all(row.provenance is None or output.file != output.blob for row in rows for output in row.outputs)
    if len(rows) < len(plan.actions) or not told:
        return False
    return seen.knows([output.path for output in made], [output.file for output in made])


def _prices(plan: Plan) -> str:
    """Return what stands for all that images of a plan cost."""
    commons = {id(action.run.common): action.run.common for action in plan.actions if action.run is not None}
    prices = {(common.provider, common.model, common.price) for common in commons.values()}
    return digest(repr(sorted(prices, key=repr)))

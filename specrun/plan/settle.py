"""What to write down of a spec with nothing left to do, so that the next command need not plan it."""

from collections import Counter

from specrun.model.plan import Plan, Verb
from specrun.model.project import Project
from specrun.plan.make import spec_name
from specrun.plan.request import PlanRequest
from specrun.store.hold_name import hold_name, holder_path
from specrun.store.lockfile import lock_path
from specrun.store.manifest import FILE_NAME
from specrun.store.seen import changed, seen_files, seen_path
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
    rows = [action.row for action in plan.actions if action.verb is Verb.KEEP and action.row is not None]
    made = [output for row in rows for output in row.outputs]
    told = all(row.provenance is None or output.file != output.blob for row in rows for output in row.outputs)
    outputs = project.outputs / plan.name
    seen = seen_files(project.state, outputs)
    if len(rows) < len(plan.actions) or not told:
        return None
    if not seen.knows([output.path for output in made], [output.file for output in made]):
        return None
    kept = [lock_path(request.spec, request.name).absolute(), outputs / FILE_NAME, seen_path(project.state, outputs)]
    # What a killed apply left behind is for the next one to pick up, whatever its plan says.
    holder = holder_path(project.state / "holds", hold_name(spec_name(request.spec, project), plan.name))
    stamps = look([*plan.reads.files, *kept, holder])
    if stamps is None or stamps[str(holder)] is not None or any(stamps[str(path)] is None for path in kept):
        return None
    if any(stamp is not None and changed(stamp) > began - LAG for stamp in stamps.values()):
        return None
    return Settled(
        context=context,
        name=plan.name,
        kept=Counter(action.run.job for action in plan.actions if action.run is not None),
        outputs=str(outputs),
        stamps=stamps,
        globs=[(str(folder), pattern, search(str(folder), pattern)) for folder, pattern in plan.reads.globs],
    )

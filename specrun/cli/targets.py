"""Where a spec's lock, outputs and store stand, as commands about what was made need it."""

from pathlib import Path

from specrun.diagnostics import InvalidInputError
from specrun.model.held import Place
from specrun.model.plan import Plan
from specrun.model.project import Project
from specrun.plan.make import spec_name
from specrun.spec.places import check_links, outputs_of
from specrun.store.lockfile import lock_path, read_lock
from specrun.verify.target import Target


def target_of(spec: Path, project: Project, variant: str | None, plan: Plan | None) -> Target:
    """Return a spec's places; its name is the plan's, or where there is none the lock's, or the file's stem."""
    lock = lock_path(spec, variant)
    check_links(project, lock)
    name = plan.name if plan is not None else _locked_name(lock) or variant or spec.stem
    place = Place(spec=spec.as_posix(), variant=variant) if plan is None else plan.place
    return Target(
        root=project.root,
        spec=spec_name(spec, project),
        name=name,
        place=place,
        lock=lock.resolve(),
        outputs=outputs_of(project, name),
        store=project.state / "store",
        shared=project.store is not None,
    )


def _locked_name(path: Path) -> str | None:
    try:
        lock = read_lock(path)
    except InvalidInputError:
        return None
    return None if lock is None else lock.name

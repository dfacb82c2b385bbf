"""What an apply writes down of a spec that has nothing left to do."""

import contextlib
import time

import msgspec

from specrun.atomic import make_folder, write_if_changed
from specrun.cli.planning import Planned
from specrun.cli.settled import where
from specrun.diagnostics import SpecrunError
from specrun.model.plan import Verb
from specrun.plan.make import make_plan
from specrun.plan.settle import LAG, left_files, settled
from specrun.spec.project import load_project
from specrun.store.seen import changed, stamp
from specrun.store.settled import Settled


def settle(planned: Planned) -> None:
    """Write down, after an apply, what its plan proves; where it wrote anything, what a new plan does."""
    path = where(planned.request.spec, planned.request.name)
    if path is None or planned.request.context is None:
        return
    # A convenience: the apply is done, whatever somebody makes of its files at this moment.
    with contextlib.suppress(SpecrunError, OSError):
        found = _found(planned)
        if found is not None:
            make_folder(path.parent)
            write_if_changed(path, msgspec.json.encode(found))


def _found(planned: Planned) -> Settled | None:
    plan, project, began = planned.plan, planned.project, planned.began
    if plan.totals.actions[Verb.KEEP] < len(plan.actions) or _written(planned):
        # What was just written must be seen to be older than the plan that reads it.
        time.sleep(2 * LAG / 1e9)
        began = time.time_ns()
        # The project, too, may have been edited during the apply.
        project = load_project(planned.request.spec.parent)
        plan = make_plan(planned.request, project)
    return settled(plan, planned.request, project, began)


def _written(planned: Planned) -> bool:
    """Say whether anything that an apply leaves was written since the plan began."""
    for path in left_files(planned.plan.name, planned.request, planned.project):
        try:
            found = stamp(str(path))
        except FileNotFoundError:
            continue
        if found is not None and changed(found) > planned.began - LAG:
            return True
    return False

"""What an apply writes down of a spec that has nothing left to do."""

import msgspec

from specrun.atomic import make_folder, write_if_changed
from specrun.cli.planning import Planned
from specrun.cli.settled import where
from specrun.model.plan import Verb
from specrun.plan.make import make_plan
from specrun.plan.settle import settled


def settle(planned: Planned) -> None:
    """Write down, after an apply, what its plan proves; where it did something, what a new plan does."""
    path = where(planned.request.spec, planned.request.name)
    if path is None or planned.request.context is None:
        return
    plan = planned.plan
    if plan.totals.actions[Verb.KEEP] < len(plan.actions):
        plan = make_plan(planned.request, planned.project)
    found = settled(plan, planned.request, planned.project)
    if found is not None:
        make_folder(path.parent)
        write_if_changed(path, msgspec.json.encode(found))

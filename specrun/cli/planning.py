"""Plans for the specs of a command line."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from specrun.cli.console import complain
from specrun.cli.namesakes import Namesakes
from specrun.cli.options import WishOptions
from specrun.cli.outcomes import Outcomes
from specrun.diagnostics import Diagnostic, InvalidInputError, SpecrunError
from specrun.model.plan import Plan
from specrun.model.project import Project
from specrun.plan.make import Expanded, make_plan, spec_name
from specrun.plan.request import PlanRequest, request_of
from specrun.plan.saved import check_saved, read_saved
from specrun.report.plan_json import as_json
from specrun.spec.project import load_project


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A plan, the project that it is for, the request that makes it again, and when it began, in Unix nanoseconds."""

    plan: Plan
    project: Project
    request: PlanRequest
    began: int

    def document(self) -> Iterable[str]:
        """Return the plan as JSON, piece by piece."""
        return as_json(self.plan, spec_name(self.plan.spec, self.project))


def plan_all(options: WishOptions, outcomes: Outcomes, unlocked: Mapping[Path, Expanded]) -> list[Planned]:
    """Plan each spec; those with faults go to `outcomes`, and do not hide the others.

    `unlocked` holds what specs were expanded to before, without their locks.
    """

    def plan(spec: Path) -> Planned:
        return _planned(options.request(spec), load_project(spec.parent), unlocked.get(spec))

    return _plan_each(options.specs, plan, outcomes)


def plan_saved(paths: Iterable[Path], outcomes: Outcomes) -> list[Planned]:
    """Make saved plans again, and refuse each that no longer says what is so."""
    return _plan_each(paths, _planned_again, outcomes)


def _plan_each(paths: Iterable[Path], make: Callable[[Path], Planned], outcomes: Outcomes) -> list[Planned]:
    planned = []
    namesakes = Namesakes()
    for path in paths:
        try:
            made = make(path)
            namesakes.check(made.plan.spec, made.plan.name, made.project)
        except SpecrunError as error:
            outcomes.refused(path, "plan", error)
        else:
            complain(*made.plan.warnings)
            planned.append(made)
    return planned


def _planned(request: PlanRequest, project: Project, unlocked: Expanded | None = None) -> Planned:
    began = time.time_ns() if unlocked is None else unlocked.began
    return Planned(plan=make_plan(request, project, unlocked), project=project, request=request, began=began)


def _planned_again(path: Path) -> Planned:
    saved = read_saved(path)
    project = load_project(Path.cwd())
    spec = project.root / saved.spec
    if not spec.is_file():
        detail = f"{path} is a plan of {saved.spec}, and {project.root} has no such file"
        hint = "apply it in its project: start there, or name the folder with `specrun -C DIR apply PLAN`"
        raise InvalidInputError(Diagnostic(summary="plan of another project", detail=detail, hint=hint))
    planned = _planned(request_of(saved.asked, spec), project)
    check_saved(saved, planned.plan)
    return planned


def quotas_of(plans: Iterable[Plan]) -> Mapping[str, int]:
    """Return how many images each model gives free, by model id."""
    return {model: free for plan in plans for model, free in plan.quotas.items()}

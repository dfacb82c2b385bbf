"""Plans for the specs of a command line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from specrun.cli.boundary import DONE
from specrun.cli.catalogue import catalog_of
from specrun.cli.console import complain
from specrun.cli.options import WishOptions
from specrun.diagnostics import SpecrunError
from specrun.model.plan import Plan
from specrun.model.project import Project
from specrun.plan.make import make_plan, spec_name
from specrun.report.plan_json import as_json
from specrun.spec.project import load_project


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A plan and the project that it is for."""

    plan: Plan
    project: Project

    def document(self) -> Iterable[str]:
        """Return the plan as JSON, piece by piece."""
        return as_json(self.plan, spec_name(self.plan.spec, self.project))


def plan_all(options: WishOptions) -> tuple[list[Planned], int]:
    """Plan each spec, so that one with faults does not hide the others; return the plans and the worst exit code."""
    planned, code = [], DONE
    for spec in options.specs:
        try:
            project = load_project(spec.parent)
            plan = make_plan(options.request(spec), project)
        except SpecrunError as error:
            complain(*error.diagnostics)
            code = max(code, error.exit_code)
        else:
            complain(*plan.warnings)
            planned.append(Planned(plan=plan, project=project))
    return planned, code


def quotas_of(planned: Iterable[Planned]) -> Mapping[str, int]:
    """Return how many images each model gives free, by model id."""
    quotas: dict[str, int] = {}
    for each in planned:
        models = catalog_of(each.project).models.values()
        quotas |= {model.id: model.facts.free_quota for model in models if model.facts.free_quota is not None}
    return quotas

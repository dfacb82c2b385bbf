"""What keeps plans from being applied, told before anybody tries."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from specrun.cli.consent import check_budgets
from specrun.cli.console import complain
from specrun.cli.outcomes import Outcomes
from specrun.cli.planning import Planned
from specrun.diagnostics import Diagnostic, InvalidInputError, Severity, SpecrunError
from specrun.model.output_path import folded
from specrun.model.project import Budget
from specrun.report.totals import pending
from specrun.store.lockfile import lock_path
from specrun.store.obstacles import check_writable


def told_apart(planned: Sequence[Planned], outcomes: Outcomes) -> list[Planned]:
    """Return the plans whose specs have a folder of outputs to themselves; say which others share one."""
    owners: dict[str, Planned] = {}
    apart = []
    for each in planned:
        owner = owners.setdefault(folded(str(each.project.outputs / each.plan.name)), each)
        if owner is each or owner.plan.spec.resolve() == each.plan.spec.resolve():
            apart.append(each)
        else:
            outcomes.refused(each.plan.spec, "plan", InvalidInputError(_one_name(owner, each)))
    return apart


def warn_of_refusals(planned: Sequence[Planned]) -> None:
    """Say why an apply would send nothing: a budget that is too small, folders that cannot be written."""
    complain(*(replace(each, severity=Severity.WARNING) for each in _refusals(planned)))


def _refusals(planned: Sequence[Planned]) -> Iterator[Diagnostic]:
    try:
        check_budgets(planned, Budget())
    except SpecrunError as error:
        yield from error.diagnostics
    for each in planned:
        if not pending(each.plan.totals):
            continue
        try:
            lock = lock_path(each.plan.spec, each.plan.asked.variant)
            check_writable(each.project.state, each.project.outputs / each.plan.name, lock.parent)
        except SpecrunError as error:
            yield from error.diagnostics


def _one_name(one: Planned, other: Planned) -> Diagnostic:
    return Diagnostic(
        summary="two specs with one name",
        detail=f"{one.plan.spec} and {other.plan.spec} are both called {other.plan.name}, and would share its outputs",
        hint="give one of them a `name` of its own, or --name",
    )

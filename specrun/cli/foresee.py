"""What keeps plans from being applied, told before anybody tries."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from specrun.cli.consent import check_budgets
from specrun.cli.console import complain
from specrun.cli.planning import Planned
from specrun.diagnostics import Diagnostic, Severity, SpecrunError
from specrun.model.project import Budget
from specrun.report.totals import pending
from specrun.store.lockfile import lock_path
from specrun.store.obstacles import check_writable


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

"""How the specs of one apply went, for its exit code and as test results."""

from pathlib import Path

from specrun.apply.events import Event, Finished
from specrun.atomic import write_atomic
from specrun.cli.outcomes import Outcomes
from specrun.diagnostics import SpecrunError
from specrun.model.plan import Plan
from specrun.report.apply_junit import apply_cases
from specrun.report.junit import Case, as_junit, fault_cases


class ApplyOutcomes(Outcomes):
    """Gathers besides what became of each run."""

    def __init__(self) -> None:
        super().__init__()
        self._suites: dict[str, list[Case]] = {}

    def refused(self, spec: Path, step: str, error: SpecrunError) -> None:
        """Note, and say, why a spec could not be applied."""
        super().refused(spec, step, error)
        self._suites[spec.as_posix()] = fault_cases(step, error.diagnostics)

    def applied(self, plan: Plan, events: list[Event], finished: Finished) -> None:
        """Note what came of a spec's runs."""
        self.code = max(self.code, finished.exit_code)
        self._suites[plan.spec.as_posix()] = apply_cases(plan, events)

    def write_junit(self, path: Path) -> None:
        """Write all of it as JUnit XML."""
        write_atomic(path, as_junit(list(self._suites.items())).encode())

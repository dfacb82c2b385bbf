"""What verifying found, as test results: a test an image, and one for everything else that is wrong."""

from collections.abc import Iterable, Sequence

from specrun.diagnostics import Diagnostic
from specrun.report.junit import Case, as_junit, fault_cases
from specrun.verify.finding import Finding, Verification


def verify_junit(verified: Iterable[tuple[str, Verification | None, Sequence[Diagnostic]]]) -> str:
    """Return a JUnit document with a suite a spec: what was found, and why it could not be planned, or not be found."""
    suites = []
    for spec, found, faults in verified:
        suites.append((spec, [*(() if found is None else _cases(found)), *fault_cases("plan", faults)]))
    return as_junit(suites)


def _cases(each: Verification) -> list[Case]:
    passed = [Case(name=f"{address}: {path}") for address, path in each.passed]
    return [*passed, *map(_failed, each.findings)]


def _failed(finding: Finding) -> Case:
    return Case(
        name=f"{finding.address}: {finding.subject}" if finding.address else finding.subject,
        failure=f"{finding.kind.value}: {finding.detail}",
        kind=finding.kind.value,
        detail=f"fix: {finding.fix}",
    )

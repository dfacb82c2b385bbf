"""What verifying found, as test results: a test an image, and one for everything else that is wrong."""

from collections.abc import Sequence

from specrun.report.junit import Case, as_junit
from specrun.verify.finding import Finding, Verification


def verify_junit(verifications: Sequence[Verification]) -> str:
    """Return a JUnit document with a suite a spec."""
    return as_junit([(each.spec, _cases(each)) for each in verifications])


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

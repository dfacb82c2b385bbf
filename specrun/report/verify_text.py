"""What verifying found, for people."""

from collections.abc import Iterator, Sequence

from specrun.report import inert
from specrun.report.ink import PLAIN, Ink, Role
from specrun.report.words import count
from specrun.verify.finding import Finding, Verification


def as_text(verifications: Sequence[Verification], ink: Ink = PLAIN) -> Iterator[str]:
    """Return the lines of a report: a paragraph a finding with its fix, then a sum a spec."""
    for each in verifications:
        for finding in each.findings:
            yield from _paragraph(finding, ink)
        for blob in each.repaired:
            yield f"repaired {blob} in the store"
        yield _sum(each, ink)


def _paragraph(finding: Finding, ink: Ink) -> Iterator[str]:
    yield f"{ink(f'{finding.kind.value}:', Role.ERROR)} {ink(inert.line(finding.subject), Role.STRONG)}"
    yield f"  {inert.line(finding.detail)}"
    yield f"  {ink('fix:', Role.HINT)} {inert.line(finding.fix)}"
    yield ""


def _sum(each: Verification, ink: Ink) -> str:
    looked_at = [f"{count(each.checked.images, 'image')} checked"]
    if each.checked.blobs:
        looked_at.append(f"{count(each.checked.blobs, 'stored file')} checked")
    found = count(len(each.findings), "fault") if each.findings else "as it was made"
    verdict = ink(found, Role.ERROR if each.findings else Role.ADDED)
    return f"{inert.line(each.spec)}: {verdict}, {', '.join(looked_at)}"

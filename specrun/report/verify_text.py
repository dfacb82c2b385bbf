"""What verifying found, for people."""

from collections.abc import Iterable, Iterator, Sequence

from specrun.apply.alike import alike
from specrun.report import inert
from specrun.report.ink import PLAIN, Ink, Role
from specrun.report.words import count
from specrun.verify.finding import Finding, Verification


def as_text(verifications: Sequence[Verification], ink: Ink = PLAIN) -> Iterator[str]:
    """Return the lines of a report: a paragraph for findings that are alike, with their fix, then a sum a spec."""
    for each in verifications:
        for findings in _groups(each.findings):
            yield from _paragraph(findings, ink)
        for blob in each.repaired:
            yield f"repaired {blob} in the store"
        yield _sum(each, ink)


def _groups(findings: Sequence[Finding]) -> Iterable[Sequence[Finding]]:
    """Gather what differs in nothing but the run or the file that it is about."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        names = (finding.subject, finding.address)
        mark = (finding.kind.value, alike(finding.detail, *names), alike(finding.fix, *names))
        groups.setdefault(mark, []).append(finding)
    return groups.values()


def _paragraph(findings: Sequence[Finding], ink: Ink) -> Iterator[str]:
    finding = findings[0]
    more = f" and {len(findings) - 1:,} more; --format json names them" if len(findings) > 1 else ""
    yield f"{ink(f'{finding.kind.value}:', Role.ERROR)} {ink(inert.line(finding.subject), Role.STRONG)}{more}"
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

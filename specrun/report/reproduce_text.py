"""What came of asking again, for people."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from specrun.report import inert
from specrun.report.ink import PLAIN, Ink, Role
from specrun.report.words import count
from specrun.verify.verdict import Reproduction, Verdict

_ROLES = {
    Verdict.IDENTICAL: Role.ADDED,
    Verdict.SAME_PIXELS: Role.ADDED,
    Verdict.NEAR: Role.WARNING,
    Verdict.DIFFERENT: Role.ERROR,
    Verdict.UNVERIFIABLE: Role.QUIET,
}


def line(found: Reproduction, near: float, ink: Ink = PLAIN) -> str:
    """Return a run's verdict on one line, with its number where the pixels differ; `near` is the threshold."""
    verdict = found.verdict
    text = f"{ink(verdict.value.ljust(12), _ROLES[verdict])} {inert.line(found.row.address)}"
    return f"{text}: {inert.line(_why(found, near))}" if not verdict.same else text


def summary(
    found: Sequence[Reproduction], history: Mapping[tuple[str, str], Mapping[str, int]], ink: Ink = PLAIN
) -> Iterator[str]:
    """Return the sum, and how deterministic each model that was asked has been over all time."""
    counts = Counter(each.verdict for each in found)
    told = ", ".join(f"{counts[verdict]:,} {verdict.value}" for verdict in Verdict if counts[verdict])
    yield f"{count(len(found), 'run')}: {told or 'none to ask again'}"
    asked = {(each.row.provider, each.row.model) for each in found}
    for provider, model in sorted(asked & history.keys()):
        verdicts = history[provider, model]
        judged = sum(number for verdict, number in verdicts.items() if verdict != Verdict.UNVERIFIABLE.value)
        if judged:
            same = sum(verdicts.get(verdict.value, 0) for verdict in Verdict if verdict.same)
            share = ink(f"{same / judged:.0%}", Role.STRONG)
            yield inert_model(model, provider, f"{share} the same in {count(judged, 'reproduction')} so far")


def inert_model(model: str, provider: str, text: str) -> str:
    """Return a line about a model."""
    return f"{inert.line(model)} on {inert.line(provider)}: {text}"


def _why(found: Reproduction, near: float) -> str:
    if found.reason:
        return found.reason
    if found.distance is None:
        return "another size, or another number of frames"
    pixels = sum(pair.comparison.pixels for pair in found.pairs)
    return f"distance {found.distance:.2f} (near is up to {near:g}), {count(pixels, 'pixel')} differ"

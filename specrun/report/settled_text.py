"""Specs with nothing left to do, in the very words of their plans."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from specrun.model.plan import Totals, Verb
from specrun.report.ink import PLAIN, Ink, Role
from specrun.report.plan_text import Block, blocks_lines, heading, title
from specrun.report.totals import totals_lines
from specrun.store.settled import Settled


def as_text(settled: Sequence[tuple[Path, Settled]], ink: Ink = PLAIN) -> Iterator[str]:
    """Return the lines of specs that keep all their images."""
    for spec, found in settled:
        yield from title(found.name, spec, ink)
        blocks = [Block(job=job, runs=runs, lines=[heading(Verb.KEEP, runs, ink)]) for job, runs in found.kept.items()]
        yield from blocks_lines(blocks, full=False, ink=ink)
        yield from _totals(sum(found.kept.values()))
        if len(settled) > 1:
            yield ""
    if len(settled) > 1:
        yield ink(f"All {len(settled):,} specs", Role.STRONG)
        yield from _totals(sum(runs for _, found in settled for runs in found.kept.values()))


def _totals(runs: int) -> Iterator[str]:
    totals = Totals(actions={Verb.KEEP: runs}, requests=0, images=0, cost=(), unpriced=0)
    yield from totals_lines(totals, (), {})

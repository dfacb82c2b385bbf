"""Which locked runs a command is about: those that selectors mean, or some of them drawn at random."""

import math
import random
import re
from collections.abc import Iterable

import msgspec

from specrun.diagnostics import Diagnostic, UsageError
from specrun.model.address import axes_in, job_in
from specrun.model.lock import Lock, LockRow
from specrun.plan.select import select

_SHARE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(%?)")
_WHOLE = 100


class Locked(msgspec.Struct, frozen=True, kw_only=True):
    """A locked run as selectors see it."""

    row: LockRow

    @property
    def address(self) -> str:
        """Its address."""
        return self.row.address

    @property
    def job(self) -> str:
        """The job that its address names."""
        return job_in(self.row.address)

    @property
    def axes(self) -> tuple[tuple[str, str], ...]:
        """The axes that its address names."""
        return axes_in(self.row.address)


def made_rows(lock: Lock, targets: Iterable[str], sample: str | None) -> list[LockRow]:
    """Return the rows with images that selectors mean, all without any; of these a share like `5%`, or so many."""
    made = [Locked(row=row) for row in lock.rows.values() if row.outputs and row.state is None]
    selectors = tuple(targets)
    if selectors:
        meant = select(selectors, made, "--target")
        made = [each for each in made if each.address in meant]
    size = _size(sample, len(made))
    return [each.row for each in (made if size >= len(made) else random.SystemRandom().sample(made, size))]


def _size(sample: str | None, number: int) -> int:
    """Return how many of `number` runs a share or a number means: at least one where there is any."""
    if sample is None:
        return number
    match = _SHARE.fullmatch(sample.strip())
    if match is None or (match[2] and float(match[1]) > _WHOLE):
        detail = f'"{sample}" is neither a share nor a number'
        raise UsageError(Diagnostic(summary="unusable --sample", detail=detail, hint="write 5%, or 20"))
    share = float(match[1]) / _WHOLE * number if match[2] else float(match[1])
    return min(number, max(1, math.ceil(share)))

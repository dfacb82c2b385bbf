"""Two locks compared, for people: what came, went, moved or changed, and which fields changed it."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from specrun.plan.compare import LockDiff, RunShift, Shift
from specrun.report import inert
from specrun.report.change import change_line
from specrun.report.ink import PLAIN, Ink, Role
from specrun.report.words import count

SIGNS: Mapping[Shift, str] = {Shift.REPLACED: "~", Shift.ADDED: "+", Shift.REMOVED: "-", Shift.MOVED: ">"}
_ROLES = {
    Shift.REPLACED: Role.CHANGED,
    Shift.ADDED: Role.ADDED,
    Shift.REMOVED: Role.REMOVED,
    Shift.MOVED: Role.CHANGED,
}
# How many runs of one kind are listed before the rest is only counted.
LISTED = 40


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One spec's locks compared; `base` and `now` are what the two are called."""

    spec: str
    base: str
    now: str
    diff: LockDiff


def as_text(found: Sequence[Compared], *, full: bool = False, ink: Ink = PLAIN) -> Iterator[str]:
    """Return the lines of all comparisons; `full` lists every run."""
    for compared in found:
        sides = f"{inert.line(compared.base)} to {inert.line(compared.now)}"
        yield f"{ink(inert.line(compared.spec), Role.STRONG)}: {sides}"
        yield ""
        for shift in Shift:
            shifts = [each for each in compared.diff.shifts if each.shift is shift]
            if shifts:
                yield from (f"  {line}" for line in shift_lines(shifts, most=None if full else LISTED, ink=ink))
                yield ""
        yield f"Difference: {totals(compared.diff)}."
        if len(found) > 1:
            yield ""


def shift_lines(shifts: Sequence[RunShift], *, most: int | None, ink: Ink = PLAIN) -> Iterator[str]:
    """Return the lines about runs with one kind of difference, at most `most` runs of them."""
    shift = shifts[0].shift
    yield ink(f"{SIGNS[shift]} {shift.value} {count(len(shifts), 'run')}", _ROLES[shift])
    alike: dict[str, list[RunShift]] = {}
    for each in shifts[:most]:
        alike.setdefault(f"{each.reason} {each.changes}", []).append(each)
    for group in alike.values():
        yield from _alike(group, ink)
    if most is not None and len(shifts) > most:
        yield f"    … {len(shifts) - most:,} more; --full lists them"


def _alike(group: Sequence[RunShift], ink: Ink) -> Iterator[str]:
    """Return the lines about runs that differ in the same way, which is said once."""
    first = group[0]
    changed = [change_line(change, ink) for change in first.changes]
    if len(group) == 1:
        yield f"    {inert.line(first.address)}: {inert.line(first.reason)}"
        yield from (f"        {line}" for line in changed)
        return
    said = changed or [inert.line(first.reason)]
    yield from (f"    {line}" for line in said)
    yield from (f"        {inert.line(each.address)}" for each in group)


def totals(diff: LockDiff) -> str:
    """Return `2 replaced, 1 added, 3 the same`, or `none, 6 the same`."""
    parts = [f"{number:,} {shift.value}" for shift, number in diff.counts.items() if number]
    return f"{', '.join(parts) or 'none'}, {diff.same:,} the same"

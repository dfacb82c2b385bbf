"""Two locks compared as one Markdown comment: totals first, pictures where they are linked, never too long."""

from collections.abc import Iterator, Mapping, Sequence

from specrun.model.lock import LockRow
from specrun.plan.compare import RunShift, Shift
from specrun.report import inert
from specrun.report.diff_text import LISTED, Compared, shift_lines, totals
from specrun.report.markdown import ADDRESS, LIMIT, RESERVE, details, picture, size, table
from specrun.report.places import path_told
from specrun.report.words import count, shorten

_NAME = 80


def as_markdown(found: Sequence[Compared], pictures: Mapping[str, str], *, full: bool = False) -> str:
    """Return comparisons as Markdown of at most `LIMIT` characters; `pictures` are thumbnails' URLs by blob."""
    blocks = ["### specrun diff", *(_head(compared) for compared in found)]
    room = LIMIT - RESERVE - sum(size(block) for block in blocks)
    left = 0
    for compared in found:
        prefix = f"{compared.spec}: " if len(found) > 1 else ""
        for shift in Shift:
            shifts = [each for each in compared.diff.shifts if each.shift is shift]
            if not shifts:
                continue
            block = next(
                (text for text in _versions(prefix, shifts, pictures, room, full=full) if size(text) <= room), ""
            )
            if block:
                blocks.append(block)
                room -= size(block)
            else:
                left += len(shifts)
    if left:
        blocks.append(f"*{count(left, 'run')} left out to keep this short; `specrun diff --full SPEC` lists them.*")
    return "\n\n".join(blocks) + "\n"


def _head(compared: Compared) -> str:
    names = [inert.code_span(shorten(name, _NAME)) for name in (compared.spec, path_told(compared.base), compared.now)]
    return f"{names[0]}, {names[1]} to {names[2]}: **{totals(compared.diff)}**"


def _versions(
    prefix: str, shifts: Sequence[RunShift], pictures: Mapping[str, str], room: int, *, full: bool
) -> Iterator[str]:
    """Return what can be said of one kind of difference, the most telling first."""
    title = f"{inert.markup(shorten(prefix, _NAME))}{shifts[0].shift.value}: {count(len(shifts), 'run')}"
    for most in (None, LISTED, 0) if full else (LISTED, 0):
        # In a diff, ! is the sign of what changes.
        lines = [f"!{line[1:]}" if line[:1] in {"~", ">"} else line for line in shift_lines(shifts, most=most)]
        text = inert.code_block(lines, "diff")
        shown = _pictures(shifts, pictures, room - size(text) - size(title) - RESERVE)
        yield details(title, f"{shown}\n\n{text}" if shown else text)


def _pictures(shifts: Sequence[RunShift], pictures: Mapping[str, str], room: int) -> str:
    rows = [
        (
            inert.cell(shorten(each.address, ADDRESS)),
            *(picture(_url(row, pictures), side) for row, side in _sides(each)),
        )
        for each in shifts
        if any(_url(row, pictures) for row, _ in _sides(each))
    ]
    return table(("run", "before", "after"), rows, room) if rows and room > RESERVE else ""


def _sides(each: RunShift) -> tuple[tuple[LockRow | None, str], ...]:
    return ((each.before, "before"), (each.after, "after"))


def _url(row: LockRow | None, pictures: Mapping[str, str]) -> str | None:
    return pictures.get(row.outputs[0].blob) if row is not None and row.outputs else None

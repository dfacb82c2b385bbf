"""Plans for people: by job, thousands of runs folded into their axes, totals last."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from specrun.model.held import HeldRun, Place, Step
from specrun.model.plan import Action, Change, Plan, Verb, total
from specrun.report import inert
from specrun.report.change import change_line
from specrun.report.groups import Group, JobPlan, by_job
from specrun.report.ink import PLAIN, Ink, Role
from specrun.report.next_step import steps
from specrun.report.totals import price, totals_lines
from specrun.report.words import count, shorten

# A group of up to this many runs is listed run by run.
LISTED = 8
# How many labels of an axis, and how many examples of a folded group, are shown.
LABELS = 8
EXAMPLES = 2
# How many jobs are shown before the rest is only counted.
JOBS = 60

SIGNS: Mapping[Verb, str] = {
    Verb.CREATE: "+",
    Verb.REPLACE: "~",
    Verb.RESTORE: "<",
    Verb.MOVE: ">",
    Verb.KEEP: "=",
    Verb.LOST: "?",
    Verb.HELD: "!",
    Verb.ORPHAN: "-",
    Verb.BLOCKED: "x",
}
_ROLES: Mapping[Verb, Role] = {
    Verb.CREATE: Role.ADDED,
    Verb.REPLACE: Role.CHANGED,
    Verb.RESTORE: Role.ADDED,
    Verb.MOVE: Role.CHANGED,
    Verb.KEEP: Role.QUIET,
    Verb.LOST: Role.REMOVED,
    Verb.HELD: Role.REMOVED,
    Verb.ORPHAN: Role.QUIET,
    Verb.BLOCKED: Role.REMOVED,
}


def as_text(
    plans: Sequence[Plan],
    *,
    quotas: Mapping[str, int],
    left_out: Sequence[Path] = (),
    full: bool = False,
    ink: Ink = PLAIN,
) -> Iterator[str]:
    """Return the plans' lines; `full` lists every run, `quotas` are the images that models give free.

    `left_out` are the specs of the same command that have no plan.
    """
    for plan in plans:
        yield from title(plan.name, plan.spec, ink)
        jobs = by_job(plan)
        blocks = [Block(job=job.job, runs=len(job.actions), lines=job_lines(job, full=full, ink=ink)) for job in jobs]
        yield from blocks_lines(blocks, full=full, ink=ink)
        yield from totals_lines(plan.totals, plan.actions, quotas)
        yield from steps(plan)
        if len(plans) > 1 or left_out:
            yield ""
    if len(plans) > 1 or (plans and left_out):
        yield ink(inert.line(all_specs(len(plans), left_out)), Role.STRONG)
        actions = tuple(action for plan in plans for action in plan.actions)
        yield from totals_lines(total(actions), actions, quotas)


def all_specs(plans: int, left_out: Sequence[Path]) -> str:
    """Return what totals are of: `All 3 specs`, or `2 of 3 specs, without b.yaml: it cannot be planned`."""
    if not left_out:
        return f"All {plans:,} specs"
    named = ", ".join(path.as_posix() for path in left_out[:LISTED])
    more = f" and {len(left_out) - LISTED:,} more" if len(left_out) > LISTED else ""
    they = "it" if len(left_out) == 1 else "they"
    return f"{plans:,} of {plans + len(left_out):,} specs, without {named}{more}: {they} cannot be planned"


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say of one job and its runs."""

    job: str
    runs: int
    lines: Iterable[str]


def title(name: str, spec: Path, ink: Ink) -> Iterator[str]:
    """Return the lines that begin a plan."""
    yield f"{ink(inert.line(name), Role.STRONG)} ({inert.line(spec.as_posix())})"
    yield ""


def blocks_lines(blocks: Sequence[Block], *, full: bool, ink: Ink) -> Iterator[str]:
    """Return the lines of a plan's jobs, of the first few where there are many."""
    shown = blocks if full else blocks[:JOBS]
    for block in shown:
        yield f"  {ink(inert.line(block.job), Role.STRONG)}"
        yield from (f"    {line}" for line in block.lines)
        yield ""
    if left := blocks[len(shown) :]:
        runs = sum(block.runs for block in left)
        yield f"  … {count(len(left), 'more job')} with {count(runs, 'run')}; --full lists them"
        yield ""


def job_lines(job: JobPlan, *, full: bool, ink: Ink = PLAIN) -> Iterator[str]:
    """Return the lines of one job: a heading for each kind of action, its runs below it."""
    for group in job.groups:
        yield _heading(group, ink)
        if group.reseeded:
            yield "    the seed follows from these fields and changes, too: expect another composition"
        if full or (len(group.actions) <= LISTED and group.verb is not Verb.KEEP):
            for action in group.actions:
                yield from _listed(action, ink, reason=len(group.reasons) > 1)
        elif group.verb is not Verb.KEEP:
            yield from _folded(group, ink)
        yield from _ways_on(group, job.place)


def heading(verb: Verb, runs: int, ink: Ink) -> str:
    """Return what is done about how many runs."""
    return ink(f"{SIGNS[verb]} {verb.value} {count(runs, 'run')}", _ROLES[verb])


def _heading(group: Group, ink: Ink) -> str:
    parts = [heading(group.verb, len(group.actions), ink)]
    if group.verb.asks:
        parts += _asked(group)
    if len(group.reasons) == 1 and group.reasons[0]:
        parts.append(inert.line(group.reasons[0]))
    return "; ".join(parts)


def _asked(group: Group) -> Iterator[str]:
    if group.totals.requests:
        yield f"{count(group.totals.images, 'image')}, {price(group.totals)}"
    if group.shared:
        yield f"{group.shared:,} served by another run's request"
    if group.made and group.totals.requests:
        yield f"{group.made:,} made already"


def _listed(action: Action, ink: Ink, *, reason: bool) -> Iterator[str]:
    why = f": {inert.line(action.reason)}" if reason and action.reason else ""
    yield f"    {inert.line(action.address)}{why}"
    for change in action.changes:
        yield f"        {change_line(change, ink)}"


def _folded(group: Group, ink: Ink) -> Iterator[str]:
    for axis, labels in group.axes.items():
        yield f"    {inert.line(axis)} ({len(labels):,}): {_labels(labels)}"
    if len(group.actions) < group.cells:
        yield f"    {len(group.actions):,} of these {group.cells:,} combinations"
    alike = _alike(group)
    for change in alike:
        yield f"    each: {change_line(change, ink)}"
    if len(alike) < len(group.fields) or len(group.reasons) > 1 or not group.axes:
        yield "    for example"
        for action in group.actions[:EXAMPLES]:
            yield from (f"    {line}" for line in _listed(action, ink, reason=len(group.reasons) > 1))


def _ways_on(group: Group, place: Place) -> Iterator[str]:
    """Yield what can be done about held runs, those together of which it is the same."""
    alike: dict[tuple[Step, ...], list[HeldRun]] = {}
    runs: dict[tuple[Step, ...], list[str]] = {}
    for action in group.actions if group.verb is Verb.HELD else ():
        if action.held is not None:
            steps = action.held.steps(place)
            alike.setdefault(steps, []).append(action.held)
            runs.setdefault(steps, []).append(action.address)
    for steps, held in alike.items():
        (first, *others) = runs[steps]
        named = replace(place, several=True) if others else replace(place, selector=first)
        for step in held[0].steps(named):
            yield f"    {step.when}: {inert.line(step.command)}"


def _alike(group: Group) -> tuple[Change, ...]:
    """Return the changes that all actions of a group have in common."""
    first, *rest = group.actions
    return tuple(change for change in first.changes if all(change in action.changes for action in rest))


def _labels(labels: tuple[str, ...]) -> str:
    shown = ", ".join(shorten(inert.line(label), 40) for label in labels[:LABELS])
    left = len(labels) - LABELS
    return f"{shown}, … {left:,} more" if left > 0 else shown

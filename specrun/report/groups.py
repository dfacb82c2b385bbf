"""A plan's actions gathered by job and by what is done, so that thousands read like a few."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import groupby
from math import prod
from operator import attrgetter

import msgspec
from msgspec.structs import replace

from specrun.model.held import Place
from specrun.model.plan import Action, Plan, Totals, Verb, total


class Group(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Actions of one job that do the same: one verb, and for replacements the same changed fields."""

    verb: Verb
    fields: tuple[str, ...]
    actions: tuple[Action, ...]

    @cached_property
    def totals(self) -> Totals:
        """What these actions come to."""
        return total(self.actions)

    @cached_property
    def axes(self) -> Mapping[str, tuple[str, ...]]:
        """The labels that occur on each axis, both in order of appearance; empty for orphans."""
        runs = [action.run for action in self.actions if action.run is not None]
        if not runs:
            return {}
        columns = zip(*map(attrgetter("labels"), runs), strict=True)
        return {axis: tuple(dict.fromkeys(labels)) for axis, labels in zip(runs[0].common.axes, columns, strict=True)}

    @property
    def cells(self) -> int:
        """How many cells the axes' labels would span if all combinations were there."""
        return prod(len(labels) for labels in self.axes.values())

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """The different reasons, in order of appearance."""
        return tuple(dict.fromkeys(map(attrgetter("reason"), self.actions)))

    @property
    def made(self) -> int:
        """How many of the actions take images that were made already, without a request."""
        return sum(bool(action.made) for action in self.actions)

    @property
    def reseeded(self) -> bool:
        """Whether images are asked for with another seed, which only follows from the fields that change."""
        if self.verb is not Verb.REPLACE or not self.fields or "seed" in self.fields:
            return False
        pairs = ((action.run, action.row) for action in self.actions if not action.made)
        return any(run is not None and row is not None and run.seed != row.seed for run, row in pairs)

    @property
    def shared(self) -> int:
        """How many of the actions are served by another run's request."""
        return len(self.actions) - list(map(attrgetter("shares"), self.actions)).count(None)


class JobPlan(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What is done about one job: all its actions, and the same gathered; `place` names the job to a command."""

    job: str
    actions: tuple[Action, ...]
    groups: tuple[Group, ...]
    place: Place = Place()

    @cached_property
    def totals(self) -> Totals:
        """What these actions come to."""
        return total(self.actions)


def by_job(plan: Plan) -> tuple[JobPlan, ...]:
    """Gather a plan's actions: jobs in plan order, in each what is to be done first and what is kept last."""
    jobs: dict[str, list[Action]] = {}
    for job, actions in groupby(plan.actions, job_of):
        jobs.setdefault(job, []).extend(actions)
    return tuple(
        JobPlan(job=job, actions=tuple(actions), groups=_groups(actions), place=replace(plan.place, selector=job))
        for job, actions in jobs.items()
    )


def job_of(action: Action) -> str:
    """Return the job an action belongs to, also where only its address is left."""
    return action.run.job if action.run is not None else action.address.partition("[")[0]


_ORDER = (*(verb for verb in Verb if verb is not Verb.KEEP), Verb.KEEP)


def _groups(actions: Sequence[Action]) -> tuple[Group, ...]:
    gathered: dict[tuple[Verb, tuple[str, ...]], list[Action]] = {}
    for verb, alike in groupby(actions, attrgetter("verb")):
        for changes, same in groupby(alike, attrgetter("changes")):
            gathered.setdefault((verb, tuple(change.field for change in changes)), []).extend(same)
    ordered = sorted(gathered.items(), key=lambda item: _ORDER.index(item[0][0]))
    return tuple(Group(verb=verb, fields=fields, actions=tuple(found)) for (verb, fields), found in ordered)

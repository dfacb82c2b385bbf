"""What went wrong with the runs of an apply, gathered: what is the same for many is told once, with its number."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final, TypeAlias

from msgspec.structs import replace

from specrun.apply.alike import alike, shape
from specrun.apply.events import Event, RunBlocked, RunFailed, RunHeld
from specrun.diagnostics import Diagnostic
from specrun.model.held import Place
from specrun.model.money import added
from specrun.model.plan import Action, Plan, Verb
from specrun.report import inert
from specrun.report.event_text import held_hint, request, trouble
from specrun.report.money_text import came_to
from specrun.report.next_step import lost_step

# So many kinds are told that differ in nothing but what a server said.
_MOST: Final = 8

Trouble: TypeAlias = RunHeld | RunFailed | RunBlocked


class Troubles:
    """Gathers what is told while a plan is applied."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._groups: dict[tuple[str, ...], list[Trouble]] = {}

    def add(self, event: Event) -> str:
        """Take an event in; return a line for the first of its kind, empty for all others."""
        if not isinstance(event, Trouble):
            return ""
        mark = self._mark(event)
        if mark not in self._groups and sum(each[:-1] == mark[:-1] for each in self._groups) >= _MOST:
            # A server may word each anew: the first of many more stands for them.
            mark = (*mark[:-1], "")
        group = self._groups.setdefault(mark, [])
        group.append(event)
        return inert.line(_first(event)) if len(group) == 1 else ""

    def told(self) -> tuple[Diagnostic, ...]:
        """Return a diagnostic for each kind, in the order in which they came up."""
        return tuple(filter(None, map(self._told, self._groups.values())))

    def _told(self, group: Sequence[Trouble]) -> Diagnostic | None:
        first = group[0]
        one = trouble(first)
        if one is None:
            return None
        hint = self._hint(group) or one.hint
        if len(group) == 1:
            return replace(one, hint=hint)
        example = f"{first.address}{'' if isinstance(first, RunBlocked) else request(first.request_id)}"
        return replace(one, detail=_detail(group), hint=hint, runs=len(group), example=example)

    def _hint(self, group: Sequence[Trouble]) -> str:
        """Return the commands that end it, with what they cost for all of a group."""
        first = group[0]
        if isinstance(first, RunHeld):
            return held_hint(first, self._named(group))
        actions = [action for event in group if (action := self._actions.get(event.address)) is not None]
        lost = actions and all(action.verb is Verb.LOST for action in actions)
        return lost_step(self._plan.place, actions) if lost else ""

    def _named(self, group: Sequence[Trouble]) -> Place:
        """Return what names the runs of a group to a command: its one address, else its one job."""
        if len(group) == 1:
            return replace(self._plan.place, selector=group[0].address)
        jobs = {event.address.partition("[")[0] for event in group}
        return replace(self._plan.place, selector=jobs.pop() if len(jobs) == 1 else "ADDRESS", several=True)

    def _mark(self, event: Trouble) -> tuple[str, ...]:
        """Return what events have in common that are the same trouble."""
        match event:
            case RunHeld():
                return ("held", event.state.value, held_hint(event), self._alike(event))
            case RunFailed():
                return ("failed", event.hint, self._alike(event))
            case RunBlocked():
                return ("blocked", event.by.partition("[")[0])

    def _alike(self, event: RunHeld | RunFailed) -> str:
        action = self._actions.get(event.address)
        paths = () if action is None or action.run is None else action.run.outputs
        return shape(event.cause, event.request_id, event.address, *paths)

    @cached_property
    def _actions(self) -> dict[str, Action]:
        return {action.address: action for action in self._plan.actions}


def _first(event: Trouble) -> str:
    match event:
        case RunHeld():
            return f"held      {event.address}: {event.cause}"
        case RunFailed():
            return f"failed    {event.address}: {event.cause}"
        case RunBlocked():
            return f"blocked   {event.address}: needs {event.by}, which has no image"


def _detail(group: Sequence[Trouble]) -> str:
    first = group[0]
    if isinstance(first, RunBlocked):
        return f"they need images of other runs, which have none: {first.address} needs {first.by}"
    causes = len({alike(event.cause, event.request_id) for event in group if not isinstance(event, RunBlocked)})
    said = f" (the first of {causes:,} causes; `specrun show ADDRESS` has each)" if causes > 1 else ""
    return f"{first.cause}{said}{_came_to(group)}"


def _came_to(group: Iterable[Trouble]) -> str:
    told = came_to(added(event.figures for event in group if isinstance(event, RunHeld)))
    return f"; {told}" if told else ""

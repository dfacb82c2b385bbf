"""What an apply came to, as test results: a test a run."""

from collections.abc import Iterable

from specrun.apply.events import Event, RunBlocked, RunDone, RunFailed, RunHeld
from specrun.model.plan import Action, Plan, Verb
from specrun.report.event_text import trouble
from specrun.report.junit import Case, failed_case


def apply_cases(plan: Plan, events: Iterable[Event]) -> list[Case]:
    """Return a test for each run of a plan, from what was told while it was applied."""
    told = {event.address: event for event in events if isinstance(event, (RunDone, RunFailed, RunHeld, RunBlocked))}
    return [_case(action, told.get(action.address)) for action in plan.actions if action.run is not None]


def _case(action: Action, event: Event | None) -> Case:
    if action.verb is Verb.KEEP or isinstance(event, RunDone):
        return Case(name=action.address)
    wrong = None if event is None else trouble(event)
    if wrong is None:
        return Case(name=action.address, failure="not started: apply stopped before its turn", kind="not started")
    return failed_case(action.address, wrong, wrong.summary)

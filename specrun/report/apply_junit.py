"""What an apply came to, as test results: a test a run."""

from collections.abc import Iterable, Sequence

from specrun.apply.events import Event, RunBlocked, RunDone, RunFailed, RunHeld
from specrun.diagnostics import Diagnostic
from specrun.model.plan import Action, Plan, Verb
from specrun.report.event_text import trouble
from specrun.report.junit import Case


def apply_cases(plan: Plan, events: Iterable[Event]) -> list[Case]:
    """Return a test for each run of a plan, from what was told while it was applied."""
    told = {event.address: event for event in events if isinstance(event, (RunDone, RunFailed, RunHeld, RunBlocked))}
    return [_case(action, told.get(action.address)) for action in plan.actions if action.run is not None]


def fault_cases(name: str, diagnostics: Sequence[Diagnostic]) -> list[Case]:
    """Return a failed test for each reason why a spec could not be applied at all; `name` says in which step."""
    return [_failed(name, diagnostic, "error") for diagnostic in diagnostics]


def _case(action: Action, event: Event | None) -> Case:
    if action.verb is Verb.KEEP or isinstance(event, RunDone):
        return Case(name=action.address)
    wrong = None if event is None else trouble(event)
    if wrong is None:
        return Case(name=action.address, failure="not started: apply stopped before its turn", kind="not started")
    return _failed(action.address, wrong, wrong.summary)


def _failed(name: str, wrong: Diagnostic, kind: str) -> Case:
    fix = f"fix: {wrong.hint}" if wrong.hint else ""
    return Case(name=name, failure=f"{wrong.summary}: {wrong.detail}", kind=kind, detail=fix)

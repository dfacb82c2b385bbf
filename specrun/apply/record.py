"""The lock that an apply leaves: the old one, with what became of each action."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from specrun.apply.inputs import Inputs
from specrun.apply.results import Done, Held, NotStarted, Result
from specrun.model.lock import Lock, LockedOutput, LockRow, State
from specrun.model.output_path import folded
from specrun.model.pinned import pinned_row
from specrun.model.plan import Action, Plan, Verb
from specrun.model.request import request_digest
from specrun.model.run import Run


def locked(plan: Plan, spec: str, old: Lock | None, results: Mapping[str, Result], inputs: Inputs) -> Lock:
    """Return the new lock: rows that the plan does not name stay, the others say what became of their action."""
    rows = dict(old.rows) if old is not None else {}
    for action in plan.actions:
        result = results.get(action.address, NotStarted())
        row = row_of(action, rows.get(action.address), result, inputs)
        if row is not None:
            rows[action.address] = row
        if isinstance(result, (Done, Held)):
            for address in action.takes:
                rows.pop(address, None)
    return Lock(spec=spec, name=plan.name, files=plan.files, vars=plan.vars, rows=rows)


def superseded(actions: Iterable[Action], results: Mapping[str, Result]) -> tuple[LockedOutput, ...]:
    """Return the outputs that runs had before and whose images have been replaced or moved."""
    before = []
    for action in actions:
        if isinstance(results.get(action.address), Done) and action.verb is not Verb.KEEP:
            mine = (action.address, *action.takes)
            rows = [row for row in (action.row, action.origin) if row is not None and row.address in mine]
            before += [output for row in rows for output in row.outputs]
    return tuple(before)


def standing_paths(lock: Lock) -> Mapping[str, str]:
    """Return the paths at which the lock's images stand, by their folded forms."""
    return {folded(output.path): output.path for row in lock.rows.values() for output in row.outputs}


def row_of(action: Action, old: LockRow | None, result: Result, inputs: Inputs) -> LockRow | None:
    """Return the row that says what became of an action; `old` is what stands at its address without that."""
    run = action.run
    if run is None:
        return None if old is None else replace(old, state=old.state or State.ORPHAN)
    match result:
        case Done() if action.verb is Verb.KEEP and old is not None and (_as_pinned(old, run) or old != action.row):
            # Nothing was done: what others have made of the row meanwhile stays.
            return old
        case Done():
            row = pinned(run, inputs, result.request_digest, result.take)
            accepted = action.verb is Verb.KEEP and old is not None and old.accepted
            # An accepted run that was paid for in vain stays what it is.
            state = old.state if accepted and old is not None else None
            return replace(row, outputs=result.outputs, provenance=result.stamp, accepted=accepted, state=state)
        case Held():
            pins = pinned(run, inputs, result.request_digest, result.take)
            row = action.origin if action.verb is Verb.HELD and action.origin is not None else pins
            held = replace(row, address=action.address, state=result.state)
            return replace(held, outputs=result.outputs, provenance=result.stamp)
        case _ if old is None or not (old.outputs or old.state):
            # Nothing was made; the pins hold all the same, so that the next plan finds them unmoved.
            return pinned(run, inputs, request_digest(run, inputs.digest), action.take)
        case _:
            return old


def pinned(run: Run, inputs: Inputs, sent: str | None, take: int) -> LockRow:
    """Return the pins of a run, without what came of it; `sent` is the request digest."""
    return pinned_row(run, inputs.digest, sent, take)


def _as_pinned(old: LockRow, run: Run) -> bool:
    """Say whether it shows at a glance that a run would be pinned just as it is, as nearly all that are kept are.

    The key stands for all that is asked for; images that runs are made from are looked at one by one.
    """
    common = run.common
    return (
        old.key == run.key is not None
        and old.seed == run.seed
        and old.sample == run.sample
        and old.defaults == common.defaults
        and old.schema_digest == common.schema_digest
        and old.state is None
        and not (common.inputs or old.inputs)
    )

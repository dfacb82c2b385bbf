"""The lock that pins a plan without generating anything, and what such a pinning would change."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from specrun.apply.inputs import Inputs
from specrun.apply.record import pinned
from specrun.model.lock import Lock, LockRow, State
from specrun.model.plan import Action, Plan, Verb
from specrun.model.request import request_digest

_PINS = ("key", "seed", "inputs", "schema_digest")


def pin(plan: Plan, spec: str, old: Lock | None, inputs: Inputs) -> Lock:
    """Return a lock that pins every run of a plan; images, held states and orphans stay as they were.

    A run whose recipe has changed is pinned to its new key and has no images yet.
    """
    rows = dict(old.rows) if old is not None else {}
    for action in plan.actions:
        if action.verb is Verb.ORPHAN and action.row is not None:
            rows[action.address] = replace(action.row, state=action.row.state or State.ORPHAN)
        elif action.run is not None:
            rows[action.address] = pinned = _row(action, inputs)
            for address in action.takes:
                _leave(rows, address, pinned)
    return Lock(spec=spec, name=plan.name, files=plan.files, vars=plan.vars, rows=rows)


def moved_pins(old: Lock | None, new: Lock) -> Iterator[tuple[str, str]]:
    """Yield each pin that differs, an address or a file, and how: keys, seeds, digests of inputs and schemas."""
    before = {} if old is None else old.rows
    for address in sorted({*before, *new.rows}):
        was, now = _standing(before.get(address)), _standing(new.rows.get(address))
        if was is None and now is not None:
            yield address, "not in the lock"
        elif was is not None and now is None:
            yield address, "no longer in the spec"
        elif was is not None and now is not None:
            fields = [name for name in _PINS if getattr(was, name) != getattr(now, name)]
            if fields:
                yield address, f"{', '.join(name.replace('_', ' ') for name in fields)} changed"
    for path in _moved({} if old is None else old.files, new.files):
        yield path, "changed since it was locked"


def _row(action: Action, inputs: Inputs) -> LockRow:
    run = action.run
    if run is None:
        raise ValueError(f"{action.address} is not in the spec")
    pins = pinned(run, inputs, request_digest(run, inputs.digest), action.take)
    made = next((row for row in (action.row, action.origin) if row is not None and row.key == run.key), None)
    held = action.origin if action.verb is Verb.HELD else None
    if held is not None and held.key != run.key:
        return replace(held, address=run.address)  # the question about the old request stays open
    if made is None:
        return pins
    state = None if made.state is State.ORPHAN else made.state
    return replace(
        pins,
        request_digest=made.request_digest or pins.request_digest,
        take=made.take,
        outputs=made.outputs,
        state=state,
        provenance=made.provenance,
        accepted=made.accepted,
    )


def _leave(rows: dict[str, LockRow], address: str, pinned: LockRow) -> None:
    """Let go of an address that the spec no longer has; images that nothing else tells of keep it as an orphan."""
    row = rows.pop(address, None)
    if row is not None and not (pinned.outputs or pinned.state):
        rows[address] = replace(row, state=row.state or State.ORPHAN)


def _standing(row: LockRow | None) -> LockRow | None:
    """Return a row that the spec has; orphans are pins no longer."""
    return None if row is None or row.state is State.ORPHAN else row


def _moved(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))

"""What becomes of requests that had left when the work was cut off.

What has come is delivered, which takes no time to speak of; the other runs are held until somebody knows more. The
ledger knows all of it as well, but lock and images are what outlives this machine.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress

from specrun.apply.aside import is_aside
from specrun.apply.ask import held, made
from specrun.apply.delivery import Delivery, consigned, done
from specrun.apply.events import How
from specrun.apply.group_writer import Draft
from specrun.apply.results import Done, Held, Obtained
from specrun.apply.session import Session
from specrun.group_write import write_all
from specrun.model.lock import State
from specrun.model.plan import Action
from specrun.model.request import request_digest
from specrun.model.run import Run
from specrun.store.attempts import Attempt, AttemptState
from specrun.store.blobs import Blobs
from specrun.store.ledger_schema import LedgerError
from specrun.store.ledger_view import view_ledger

_UNDER_WAY = "interrupted before its reply was here"
_ASIDE = "interrupted while its images, put aside in .specrun/quarantine, were decoded; the next apply tries again"
_NOT_DELIVERED = "its images are in the store and could not be delivered; the next apply on this machine tries again"


def cut_off(session: Session, delivery: Delivery) -> Mapping[str, Done | Held]:
    """Return what became, by address, of the runs whose requests left and that have no result."""
    asking = {
        action.address: action
        for action in session.plan.actions
        if action.asks and action.address not in session.results
    }
    if not asking:
        return {}
    attempts: tuple[Attempt, ...] = ()
    # The lock is written also where the ledger cannot be read, which may be why the work ended.
    with suppress(LedgerError), view_ledger(session.place.ledger) as ledger:
        attempts = ledger.history(session.place.spec)
    left: dict[str, Held] = {}
    received: list[tuple[Run, Obtained]] = []
    inputs = session.inputs()
    for attempt in attempts:
        action = asking.get(attempt.intent.address)
        if action is None or action.run is None or attempt.intent.hold != session.place.hold:
            continue
        if attempt.intent.request_digest != request_digest(action.run, inputs.digest):
            continue  # an earlier request of this run
        result = _result(attempt, action, session.blobs)
        if isinstance(result, Held):
            left[action.address] = result
        elif result is not None:
            received.append((action.run, result))
    return left | dict(_delivered(session, delivery, received))


def _result(attempt: Attempt, action: Action, blobs: Blobs) -> Obtained | Held | None:
    """Return what an attempt means for its run, None where it has nothing to do with what was to be asked."""
    intent = attempt.intent
    if intent.take < action.take:
        return None
    if attempt.state.open:
        cause = _ASIDE if any(is_aside(url) for _, url in attempt.links) else _UNDER_WAY
        return None if attempt.sent_at is None else _unknown(intent.request_digest, intent.take, cause)
    if attempt.state is AttemptState.RECEIVED:
        # What was received before and is lost is asked for again.
        return made(attempt, How.REQUESTED) if all(blobs.has(image.blob) for image in attempt.images) else None
    return None if attempt.state.held is None else held(attempt)


def _delivered(
    session: Session, delivery: Delivery, received: list[tuple[Run, Obtained]]
) -> Iterable[tuple[str, Done | Held]]:
    """Bring images to their paths, as far as that can be, and yield what became of their runs."""
    inputs = session.inputs()
    consignments = [consigned(session.plan, inputs, run, found) for run, found in received]
    drafts = delivery.drafts(consignments)
    errors = write_all([draft.writes if isinstance(draft, Draft) else () for draft in drafts])
    for (run, found), consignment, draft, error in zip(received, consignments, drafts, errors, strict=True):
        if error is None and isinstance(draft, Draft):
            yield run.address, done(found, consignment, draft.result)
        else:
            yield run.address, _unknown(found.request_digest, found.take, _NOT_DELIVERED)


def _unknown(request_digest: str | None, take: int, cause: str) -> Held:
    return Held(state=State.UNKNOWN, cause=cause, request_digest=request_digest, take=take, asked=True)

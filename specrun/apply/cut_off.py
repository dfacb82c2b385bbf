"""What becomes of requests that had left when the work was cut off: their runs are held until somebody knows more.

The ledger knows of them as well, but the lock is what outlives this machine.
"""

from contextlib import suppress

from specrun.apply.ask import held
from specrun.apply.results import Held
from specrun.apply.session import Session
from specrun.model.lock import State
from specrun.model.plan import Action
from specrun.store.attempts import Attempt, AttemptState
from specrun.store.blobs import Blobs
from specrun.store.ledger_schema import LedgerError
from specrun.store.ledger_view import view_ledger

_UNDER_WAY = "interrupted before its reply was here"
_NOT_DELIVERED = "interrupted before its images were delivered; the next apply on this machine delivers them"


def cut_off(session: Session) -> dict[str, Held]:
    """Return how the runs are held, by address, whose requests left and that have no result."""
    actions = session.plan.actions
    asking = {each.address: each for each in actions if each.verb.asks and each.address not in session.results}
    if not asking:
        return {}
    attempts: tuple[Attempt, ...] = ()
    # The lock is written also where the ledger cannot be read, which may be why the work ended.
    with suppress(LedgerError), view_ledger(session.place.ledger) as ledger:
        attempts = ledger.history(session.place.spec)
    found = {}
    for attempt in attempts:
        action = asking.get(attempt.intent.address)
        result = None if action is None else _held(attempt, action, session.blobs)
        if result is not None and attempt.intent.hold == session.place.hold:
            found[attempt.intent.address] = result
    return found


def _held(attempt: Attempt, action: Action, blobs: Blobs) -> Held | None:
    """Return how an attempt holds its run, None where it has nothing to do with what was to be asked."""
    if attempt.intent.take < action.take:
        return None
    if attempt.state.open:
        return None if attempt.sent_at is None else _unknown(attempt, _UNDER_WAY)
    if attempt.state is AttemptState.RECEIVED:
        # What was received before and is lost is asked for again.
        here = all(blobs.has(image.blob) for image in attempt.images)
        return _unknown(attempt, _NOT_DELIVERED) if here else None
    return None if attempt.state.held is None else held(attempt)


def _unknown(attempt: Attempt, cause: str) -> Held:
    intent = attempt.intent
    return Held(state=State.UNKNOWN, cause=cause, request_digest=intent.request_digest, take=intent.take, asked=True)

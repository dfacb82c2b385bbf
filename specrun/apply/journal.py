"""One request's attempts, told to the ledger as the client makes them."""

from collections.abc import Callable
from typing import assert_never

from specrun.apply.events import Event, Resending, Sent
from specrun.model.project import Provider
from specrun.provider.outcome import Doom, Failed, Outcome, Refused, Resend, Unknown
from specrun.store.attempts import AttemptState, Ending
from specrun.store.ledger import Ledger


class AttemptJournal:
    """Follows a request from the claimed attempt through its resends; `attempt` is the ledger's id of the latest.

    The claim covers the first intent, and each resend's intent is written with the end of the attempt before it, so
    nobody else can take the request over in between. What came of the last attempt is for the caller to write, once
    the images are stored.
    """

    def __init__(
        self, ledger: Ledger, attempt: int, address: str, provider: Provider, emit: Callable[[Event], None]
    ) -> None:
        self._ledger = ledger
        self._address = address
        self._provider = provider
        self._emit = emit
        self.attempt = attempt
        self.sent_count = 0

    async def intended(self, attempt: int) -> None:
        """Nothing to do: the intent is written already."""

    async def sent(self, attempt: int) -> None:
        """Write down that the request may have left, before it does."""
        await self._ledger.sent(self.attempt)
        self.sent_count += 1
        self._emit(Sent(address=self._address, attempt=attempt))

    async def settled(self, attempt: int, outcome: Outcome) -> None:
        """Write down that an attempt is over that will be made again."""
        if isinstance(outcome, Resend):
            self.attempt = await self._ledger.again(self.attempt, ending(outcome))
            self._emit(
                Resending(
                    address=self._address,
                    attempt=attempt,
                    cause=outcome.cause,
                    status=outcome.status,
                    request_id=outcome.request_id,
                    provider=self._provider.name,
                    base_url=self._provider.base_url or "",
                    retry_for=self._provider.retry_for if outcome.patience is None else outcome.patience,
                    unreached=outcome.patience is not None,
                )
            )


def ending(outcome: Resend | Failed | Refused | Doom | Unknown) -> Ending:
    """Return what an outcome without images means for its attempt."""
    match outcome:
        case Resend() | Failed() | Doom():
            state = AttemptState.FAILED
        case Refused():
            state = AttemptState.REFUSED
        case Unknown():
            state = AttemptState.UNKNOWN
        case _:
            assert_never(outcome)
    return Ending(state=state, cause=outcome.cause, status=outcome.status, request_id=outcome.request_id)

"""A claimed request on its way, and what its answer means for the ledger and the purse."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from specrun.apply.breaker import Turn
from specrun.apply.budget import Purse
from specrun.apply.cause import cause_of, cause_of_images
from specrun.apply.events import Event
from specrun.apply.gate import Gate
from specrun.apply.inputs import InputError, Inputs
from specrun.apply.journal import AttemptJournal, ending
from specrun.apply.receive import Receiver, Request, held_by
from specrun.apply.results import Failed, Held, NotStarted, Obtained
from specrun.apply.space import Room
from specrun.apply.stop import Stop
from specrun.apply.urls import UrlInputs
from specrun.catalog.schema import ModelSchema
from specrun.imaging import ImageError
from specrun.model.run import Run
from specrun.provider import outcome
from specrun.provider.client import ImageClient
from specrun.provider.courier import ImageRequest
from specrun.provider.wire import request_body
from specrun.store.blobs import DamagedBlobError
from specrun.store.ledger import Ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """Sends to one provider; `receiver` takes in what comes back."""

    client: ImageClient
    gate: Gate
    receiver: Receiver
    model_of: Callable[[Run], ModelSchema]
    ledger: Ledger
    inputs: Inputs
    urls: UrlInputs
    purse: Purse
    room: Room
    stop: Stop
    emit: Callable[[Event], None]

    async def send(self, request: Request, attempt: int) -> Obtained | Held | Failed | NotStarted:
        """Send a request that was claimed as `attempt`, and return what came of it."""
        turn = await self.gate.enter(request.run)
        if turn is None:
            await self.ledger.withdraw(attempt)
            return NotStarted()
        try:
            return await self._send(request, attempt, turn)
        finally:
            self.gate.leave()

    async def _send(self, request: Request, attempt: int, turn: Turn) -> Obtained | Held | Failed | NotStarted:
        refusal = self._reserve(request.run)
        if refusal is not None:
            await self.ledger.withdraw(attempt)
            return refusal
        try:
            await self.urls.ensure(request.run)
            body = await self._body(request.run)
        except (InputError, ImageError, OSError, DamagedBlobError) as error:
            self.purse.release(request.run)
            await self.ledger.withdraw(attempt)
            return Failed(cause=f"an input image cannot be sent: {error}", hint=getattr(error, "hint", ""))
        journal = AttemptJournal(self.ledger, attempt, request.run.address, self.gate.provider, self.emit)
        key = f"{request.digest}.{request.take}"
        self.room.expect(request.run.images)
        try:
            # Many wait for their turn who came through the gate before it closed.
            sent = ImageRequest(body=body, idempotency_key=key)
            settled = await self.client.generate(sent, journal, wanted=lambda: self.gate.leaves(request.run, turn))
            if isinstance(settled, outcome.Received):
                self.gate.answered(turn)
            result = await self._settle(request, journal, settled)
            self._learn(turn, settled, result)
            return result
        finally:
            self.room.expect(-request.run.images)

    def _learn(self, turn: Turn, settled: outcome.Settled, result: Obtained | Held | Failed | NotStarted) -> None:
        """Let what one request came to decide whether others are sent."""
        cause = cause_of(settled)
        if isinstance(settled, outcome.Received) and isinstance(result, Held):
            cause = cause_of_images(settled, result)
        if isinstance(result, Obtained):
            self.gate.succeeded(turn)
        elif cause is not None:
            self.gate.lost(turn, cause)

    def _reserve(self, run: Run) -> NotStarted | None:
        lacking = self.room.lacking(run.images)
        if lacking:
            self.stop.request(f"the disk is nearly full: {lacking}", "make room, then apply again")
            return NotStarted()
        if not self.purse.reserve(run):
            self.stop.request("the budget of this apply is spent", "raise the limit, then apply again")
            return NotStarted()
        return None

    async def _body(self, run: Run) -> bytes:
        def written() -> bytes:
            model = self.model_of(run)
            return request_body(model, run.params, read=self.inputs.read, response_format=run.response_format)

        # Reading and encoding images takes long enough to keep others waiting.
        return await asyncio.to_thread(written) if run.inputs else written()

    async def _settle(
        self, request: Request, journal: AttemptJournal, settled: outcome.Settled
    ) -> Obtained | Held | Failed | NotStarted:
        run = request.run
        match settled:
            case outcome.Received():
                return await self.receiver.receive(request, journal.attempt, settled)
            case outcome.Stopped():
                self.purse.release(run)
                await self.ledger.withdraw(journal.attempt)
                return NotStarted()
            case outcome.Failed():
                self.purse.release(run)
                await self.ledger.ended(journal.attempt, ending(settled))
                return Failed(cause=settled.cause, hint=settled.hint, request_id=settled.request_id)
            case outcome.Doom():
                self.purse.release(run)
                return await self._doomed(journal, settled)
            case outcome.Refused():
                self.purse.release(run)
            case outcome.Unknown():
                pass
            case _:
                assert_never(settled)
        end = ending(settled)
        await self.ledger.ended(journal.attempt, end)
        return held_by(request, end)

    async def _doomed(self, journal: AttemptJournal, doom: outcome.Doom) -> Failed | NotStarted:
        if not journal.sent_count:
            await self.ledger.withdraw(journal.attempt)
            return NotStarted()
        await self.ledger.ended(journal.attempt, ending(doom))
        return Failed(cause=doom.cause, hint=doom.hint, request_id=doom.request_id)

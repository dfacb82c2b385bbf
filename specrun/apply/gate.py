"""What requests pass before they leave for a provider: few at once while none has succeeded, none once it is vain."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from specrun.apply.breaker import Breaker, Broken, Scope, Turn
from specrun.apply.cause import Cause, Kind, ended_by
from specrun.apply.events import Event, Stopping
from specrun.apply.stop import Stop
from specrun.model.project import Provider
from specrun.model.run import Run
from specrun.provider.client import ImageClient


@dataclass(kw_only=True, slots=True)
class Gate:
    """The gate of one apply to one provider, whose `breaker` may have been broken by an apply before."""

    breaker: Breaker
    provider: Provider
    client: ImageClient
    spec: str
    stop: Stop
    emit: Callable[[Event], None]
    _under_way: int = 0
    _queue: "deque[tuple[Scope, asyncio.Future[bool]]]" = field(default_factory=deque)
    _told: list[Broken] = field(default_factory=list)

    def closed(self, run: Run) -> bool:
        """Whether nothing more is sent for a run; the first time, say why."""
        broken = self.breaker.broken(self._scope(run))
        if broken is not None:
            self._tell(broken)
        return broken is not None

    async def enter(self, run: Run) -> Turn | None:
        """Wait for leave to send; None where that never comes. Whoever has it gives it back with `leave`."""
        if self.closed(run) or self.stop.requested:
            return None
        scope = self._scope(run)
        if self._queue or not self._has_room():
            place: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            self._queue.append((scope, place))
            try:
                admitted = await place
            except asyncio.CancelledError:
                if place.done() and not place.cancelled() and place.result():
                    self.leave()
                raise
            if not admitted:
                return None
        else:
            self._under_way += 1
        return self.breaker.start(scope)

    def leave(self) -> None:
        """Let the next one pass."""
        self._under_way -= 1
        self.admit()

    def leaves(self, run: Run, turn: Turn) -> bool:
        """Whether a request may still leave whose turn has come; note that it does."""
        if self.closed(run):
            return False
        self.breaker.leaves(turn)
        return True

    def answered(self, turn: Turn) -> None:
        """Note that a reply with images has come."""
        self.breaker.answered(turn)

    def succeeded(self, turn: Turn) -> None:
        """Note that a request has its images."""
        self.breaker.succeeded(turn)
        self.admit()

    def lost(self, turn: Turn, cause: Cause) -> None:
        """Note what a request came to instead; end what it shows to be vain."""
        broken = self.breaker.lost(turn, cause)
        if broken is None:
            return
        self._tell(broken)
        if not broken.scope:
            self.client.stop()
        self.admit()

    def admit(self) -> None:
        """Let those pass who may by now, and send those away who never will."""
        waiting, self._queue = self._queue, deque()
        for scope, place in waiting:
            if place.done():
                continue
            if self.stop.requested or self.breaker.broken(scope):
                place.set_result(False)
            elif self._has_room():
                self._under_way += 1
                place.set_result(True)
            else:
                self._queue.append((scope, place))

    def _has_room(self) -> bool:
        room = self.breaker.room
        return room is None or self._under_way < room

    def _scope(self, run: Run) -> Scope:
        return (run.model, f"{self.spec} {run.job}")

    def _tell(self, broken: Broken) -> None:
        # By identity: the same cause may break a job, and then all.
        if any(told is broken for told in self._told):
            return
        self._told.append(broken)
        if not self.stop.requested:
            hint = ended_by(broken.cause, self.provider)
            if broken.cause.kind is not Kind.DOOMED:
                hint += "; then apply again: it sends what was not sent"
            self.emit(Stopping(cause=self._why(broken), hint=hint, interrupted=False))

    def _why(self, broken: Broken) -> str:
        if broken.cause.kind is Kind.DOOMED:
            return broken.cause.text
        to = f"provider {self.provider.name}"
        if self.provider.base_url is not None:
            to += f" at {self.provider.base_url}"
        if broken.cause.kind is Kind.UNREACHED:
            return f"{to} was not reached within {self.provider.retry_for:g} s: {broken.cause.text}"
        if broken.scope:
            to += f" for {broken.scope[0]}"
        if len(broken.scope) > 1:
            to += f" in job {broken.scope[1].rpartition(' ')[2]}"
        if broken.mixed:
            vain = "may have been paid for, and brought no image"
            return f"{broken.requests} requests in a row to {to} {vain}, the last one: {broken.cause.text}"
        return f"{broken.requests} requests in a row to {to} met the same, and none succeeded: {broken.cause.text}"

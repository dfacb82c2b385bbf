"""One client for one provider: sends requests, owns their resends, and tells a journal before and after each attempt.

    async with ImageClient(provider) as client:
        settled = await client.generate(ImageRequest(body=…, idempotency_key=f"{digest}.{take}"), journal)
        match settled:
            case Received():
                arrivals = await client.collect(settled)
            …

`generate` never raises for anything that a server or a network does; it returns a `Settled` (see `outcome`). It raises
what the journal raises, `InvalidInputError` where the API key is missing, and `asyncio.CancelledError`. Cancelling it
while a request is under way leaves that request unknown; call `stop` instead, and await what is under way.
"""

import asyncio
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from types import TracebackType
from typing import Final, Protocol, Self, assert_never

import httpx

from specrun.model.project import Provider
from specrun.provider.backoff import Backoff
from specrun.provider.courier import Courier, ImageRequest, LocalCourier
from specrun.provider.limiter import Limiter, LimiterClosedError
from specrun.provider.outcome import Doom, Failed, Outcome, Received, Refused, Resend, Settled, Stopped, Unknown
from specrun.provider.results import Arrival, Keep

# Seconds for which a server is tried that has never been reached: its address, more likely than the way, is wrong.
_UNREACHED: Final = 60.0


class Journal(Protocol):
    """Who records a request's attempts, numbered from 1. Each call is awaited before anything else happens.

    A journal that stops in the middle tells what a kill left behind: after `intended` alone nothing has left this
    machine; after `sent` the request may have been billed, unless `settled` says otherwise.
    """

    async def intended(self, attempt: int) -> None:
        """An attempt is about to be made; it leaves only once this has returned."""

    async def sent(self, attempt: int) -> None:
        """There is a connection; the first byte is written once this has returned."""

    async def settled(self, attempt: int, outcome: Outcome) -> None:
        """The attempt is over. After a `Resend` there may be another."""


class ImageClient:
    """Speaks to one provider by a courier: one in this process where none is given.

    `transport` then stands in for the network: the sandbox's, in-process.

    At most `provider.concurrency` requests are under way or waiting for their resend at once, however many tasks
    call `generate`.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        courier: Courier | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        environ: Mapping[str, str] = os.environ,
        backoff: Backoff = Backoff(),  # noqa: B008 (frozen)
    ) -> None:
        self._provider = provider
        self._backoff = backoff
        self._courier: Courier = courier or LocalCourier(
            provider, transport=transport, environ=environ, backoff=backoff
        )
        self._limiter = Limiter(concurrency=provider.concurrency, rpm=provider.rpm)
        self._places = asyncio.Semaphore(provider.concurrency)
        self._doom: Doom | None = None
        self._reached = False
        self._unreached_since: float | None = None

    async def __aenter__(self) -> Self:
        """Open the client; raises `InvalidInputError` where the API key is missing."""
        await self._courier.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._courier.__aexit__(exc_type, exc_value, traceback)

    def stop(self) -> None:
        """Send nothing any more: whoever waits gets `Stopped` at once, what is under way comes to its end."""
        self._limiter.close()
        self._courier.hurry()

    async def generate(
        self, request: ImageRequest, journal: Journal, *, wanted: Callable[[], bool] = lambda: True
    ) -> Settled:
        """Ask for images, and again for as long as that is certainly not billed and `retry_for` is not over.

        What is not `wanted` any more once it is its turn is `Stopped`.
        """
        async with self._places:
            loop = asyncio.get_running_loop()
            give_up = loop.time() + self._provider.retry_for
            attempt = 1
            try:
                while True:
                    outcome = await self._attempt(request, journal, attempt, wanted)
                    if not isinstance(outcome, Resend):
                        return outcome
                    delay = self._backoff.delay(attempt, outcome.retry_after)
                    if loop.time() + delay > min(give_up, self._last_hope(outcome)):
                        return self._out_of_time(outcome, attempt)
                    await self._limiter.pause(delay)
                    attempt += 1
            except LimiterClosedError:
                return self._doom or Stopped(cause="stopped before it was sent")

    async def collect(self, received: Received, keep: Keep | None = None) -> tuple[Arrival, ...]:
        """Return what each item of a reply turns out to be, in order: decoded, or fetched now and decoded.

        `keep` is given the bytes that may take long to decode, before that is tried.
        """
        return await self._courier.collect(received, keep)

    async def _attempt(
        self, request: ImageRequest, journal: Journal, attempt: int, wanted: Callable[[], bool]
    ) -> Outcome:
        async with self._limiter.slot() as started:
            if not wanted():
                raise LimiterClosedError
            await journal.intended(attempt)
            outcome = await self._courier.send(request, before=lambda: journal.sent(attempt))
            self._learn(outcome, started)
        await journal.settled(attempt, self._with_deadline(outcome))
        return outcome

    def _learn(self, outcome: Outcome, started: float) -> None:
        """Let what one request met govern the pace of all."""
        if not isinstance(outcome, Resend) or not outcome.unreached:
            self._reached = True
        elif self._unreached_since is None:
            self._unreached_since = asyncio.get_running_loop().time()
        match outcome:
            case Resend(status=HTTPStatus.TOO_MANY_REQUESTS):
                self._limiter.slow_down(started)
            case Doom():
                self._doom = outcome
                self._limiter.close()
            case Received() | Failed() | Refused():
                self._limiter.speed_up()
            case Resend() | Unknown():
                pass
            case _:
                assert_never(outcome)
        if isinstance(outcome, Resend) and outcome.retry_after and outcome.retry_after <= self._provider.retry_for:
            self._limiter.hold(outcome.retry_after)

    @property
    def _patience(self) -> float:
        """The seconds for which a server is tried that cannot be reached: less where it never was."""
        return self._provider.retry_for if self._reached else min(self._provider.retry_for, _UNREACHED)

    def _last_hope(self, outcome: Resend) -> float:
        """Return when to give up a server that has never been reached, whoever asks for it."""
        if self._reached or not outcome.unreached or self._unreached_since is None:
            return math.inf
        return self._unreached_since + self._patience

    def _with_deadline(self, outcome: Outcome) -> Outcome:
        """Return an outcome that says how long a server is tried that was never reached."""
        if self._reached or not isinstance(outcome, Resend):
            return outcome
        return replace(outcome, within=self._patience)

    def _out_of_time(self, outcome: Resend, attempts: int) -> Failed | Doom:
        times = "once" if attempts == 1 else f"{attempts} times"
        if outcome.unreached and not self._reached:
            self._doom = Doom(
                cause=f"{outcome.cause}; tried {times} within {self._patience:g} s",
                hint=f"check base_url, {self._provider.base_url}, and the network; then apply again",
            )
            self._limiter.close()
            return self._doom
        return Failed(
            cause=f"{outcome.cause}; tried {times} within {self._provider.retry_for:g} s",
            hint="apply again later, or raise retry_for",
            status=outcome.status,
            request_id=outcome.request_id,
            last=outcome,
        )

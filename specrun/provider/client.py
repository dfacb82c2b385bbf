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
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Final, Protocol, Self, assert_never

import httpx

from specrun import __version__
from specrun.model.project import Provider
from specrun.provider.backoff import Backoff
from specrun.provider.decide import decide
from specrun.provider.download import Downloader
from specrun.provider.endpoint import endpoint
from specrun.provider.exchange import post
from specrun.provider.inprocess import InProcessTransport
from specrun.provider.limiter import Limiter, LimiterClosedError
from specrun.provider.outcome import Doom, Failed, Outcome, Received, Refused, Resend, Settled, Stopped, Unknown
from specrun.provider.reply import Evidence, Reply
from specrun.provider.results import Arrival, collect, lookers
from specrun.provider.secret import Secret, api_key
from specrun.provider.transport import SocketTransport

# Parsing a larger reply takes long enough to keep others waiting.
_LARGE_REPLY: Final = 1 << 18


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRequest:
    """What is sent: a JSON body, and the key that is the same on every resend (`<request digest>.<take>`)."""

    body: bytes = field(repr=False)
    idempotency_key: str


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
    """Speaks to one provider. `transport` stands in for the network: the sandbox's, in-process.

    At most `provider.concurrency` requests are under way or waiting for their resend at once, however many tasks
    call `generate`.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        environ: Mapping[str, str] = os.environ,
        backoff: Backoff = Backoff(),  # noqa: B008 (frozen)
    ) -> None:
        self._provider = provider
        self._environ = environ
        self._backoff = backoff
        self._transport = SocketTransport() if transport is None else InProcessTransport(transport)
        self._downloader = Downloader(provider, own=self._transport, backoff=backoff)
        self._url = endpoint(provider).url
        self._limiter = Limiter(concurrency=provider.concurrency, rpm=provider.rpm)
        self._places = asyncio.Semaphore(provider.concurrency)
        self._doom: Doom | None = None
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the client; raises `InvalidInputError` where the API key is missing."""
        self._key()
        self._lookers = self._open.enter_context(lookers())
        await self._open.enter_async_context(self._transport)
        await self._open.enter_async_context(self._downloader)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._open.aclose()

    def stop(self) -> None:
        """Send nothing any more: whoever waits gets `Stopped` at once, what is under way comes to its end."""
        self._limiter.close()
        self._downloader.hurry()

    async def generate(self, request: ImageRequest, journal: Journal) -> Settled:
        """Ask for images, and again for as long as that is certainly not billed and `retry_for` is not over."""
        async with self._places:
            loop = asyncio.get_running_loop()
            give_up = loop.time() + self._provider.retry_for
            attempt = 1
            try:
                while True:
                    outcome = await self._attempt(request, journal, attempt)
                    if not isinstance(outcome, Resend):
                        return outcome
                    delay = self._backoff.delay(attempt, outcome.retry_after)
                    if loop.time() + delay > give_up:
                        return self._out_of_time(outcome, attempt)
                    await self._limiter.pause(delay)
                    attempt += 1
            except LimiterClosedError:
                return self._doom or Stopped(cause="stopped before it was sent")

    async def collect(self, received: Received) -> tuple[Arrival, ...]:
        """Return what each item of a reply turns out to be, in order: decoded, or fetched now and decoded."""
        secret = self._key()
        return tuple(
            await asyncio.gather(*(collect(item, self._downloader, self._lookers, secret) for item in received.items))
        )

    async def _attempt(self, request: ImageRequest, journal: Journal, attempt: int) -> Outcome:
        async with self._limiter.slot() as started:
            secret = self._key()
            await journal.intended(attempt)
            evidence = await post(
                self._transport,
                httpx.Request("POST", self._url, headers=_headers(request, secret), content=request.body),
                timeout=self._provider.timeout,
                before=lambda: journal.sent(attempt),
            )
            outcome = await self._decide(evidence, secret)
            self._learn(outcome, started)
        await journal.settled(attempt, outcome)
        return outcome

    async def _decide(self, evidence: Evidence, secret: Secret | None) -> Outcome:
        if isinstance(evidence, Reply) and len(evidence.body) > _LARGE_REPLY:
            return await asyncio.to_thread(decide, evidence, self._provider, secret)
        return decide(evidence, self._provider, secret)

    def _learn(self, outcome: Outcome, started: float) -> None:
        """Let what one request met govern the pace of all."""
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

    def _out_of_time(self, outcome: Resend, attempts: int) -> Failed:
        times = "once" if attempts == 1 else f"{attempts} times"
        return Failed(
            cause=f"{outcome.cause}; tried {times} within {self._provider.retry_for:g} s",
            hint="apply again later, or raise retry_for",
            status=outcome.status,
            request_id=outcome.request_id,
        )

    def _key(self) -> Secret | None:
        return api_key(self._provider, self._environ)


def _headers(request: ImageRequest, secret: Secret | None) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        # Images do not compress.
        "Accept-Encoding": "identity",
        "User-Agent": f"specrun/{__version__}",
        "Idempotency-Key": request.idempotency_key,
    }
    return headers | {"Authorization": f"Bearer {secret.reveal()}"} if secret else headers

"""Who carries requests to a provider and brings its images: the part of a client that may run on another machine.

Whether and when to send is the client's business, what a reply means is decided where it came in, and what it holds
is looked at there too. So a courier elsewhere sends home facts, and bytes only where nobody could store them.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Protocol, Self

import httpx

from specrun import __version__
from specrun.apart import end_all
from specrun.model.project import Provider
from specrun.provider.backoff import Backoff
from specrun.provider.decide import decide
from specrun.provider.download import Downloader
from specrun.provider.endpoint import endpoint
from specrun.provider.exchange import post
from specrun.provider.inprocess import InProcessTransport
from specrun.provider.outcome import Item, Outcome, Received, Unknown
from specrun.provider.reply import Reply
from specrun.provider.results import Arrival, Keep, collect, lookers
from specrun.provider.secret import Secret, api_key
from specrun.provider.transport import SocketTransport

# Seconds for which an image is decoded that is being decoded when it is time to stop.
_PATIENCE: Final = 2.0
# Parsing a larger reply takes long enough to keep others waiting.
_LARGE_REPLY: Final = 1 << 18


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRequest:
    """What is sent: a JSON body, and the key that is the same on every resend (`<request digest>.<take>`)."""

    body: bytes = field(repr=False)
    idempotency_key: str


class Courier(Protocol):
    """Carries single attempts for one provider; enter it before its first."""

    async def __aenter__(self) -> Self:
        """Get ready; raises `InvalidInputError` where the API key is missing."""

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of everything; what is under way is given up."""

    def hurry(self) -> None:
        """Try no download again that fails from now on."""

    async def send(self, request: ImageRequest, before: Callable[[], Awaitable[None]]) -> Outcome:
        """Make one attempt, whose first byte leaves only once `before` has returned.

        Raises what `before` raises, nothing having been sent.
        """

    async def collect(self, received: Received, keep: Keep | None = None) -> tuple[Arrival, ...]:
        """Return what each item of a reply turns out to be, in order: decoded, or fetched now and decoded.

        `keep` is given the bytes that may take long to decode, before that is tried. Never raises for anything that
        a server does.
        """


class LocalCourier:
    """Carries from this process. `transport` stands in for the network: the sandbox's, in-process."""

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
        self._transport = SocketTransport() if transport is None else InProcessTransport(transport)
        self._downloader = Downloader(provider, own=self._transport, backoff=backoff)
        self._url = endpoint(provider).url
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
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
        # Nobody is there any more to hear what is still being decoded, and closing would wait for it.
        end_all()
        await self._open.aclose()

    def hurry(self) -> None:
        """Try no download again that fails from now on, and decode nothing for long."""
        self._downloader.hurry()
        asyncio.get_running_loop().call_later(_PATIENCE, end_all)

    async def send(self, request: ImageRequest, before: Callable[[], Awaitable[None]]) -> Outcome:
        """Make one attempt, whose first byte leaves only once `before` has returned."""
        secret = self._key()
        evidence = await post(
            self._transport,
            self._url,
            _headers(request, secret),
            request.body,
            timeout=self._provider.timeout,
            before=before,
        )
        try:
            if isinstance(evidence, Reply) and len(evidence.body) > _LARGE_REPLY:
                return await asyncio.to_thread(decide, evidence, self._provider, secret)
            return decide(evidence, self._provider, secret)
        except Exception as error:  # noqa: BLE001 (whatever a reply makes raise is that request's alone)
            return Unknown(cause=f"what the server answered cannot be read ({type(error).__name__})")

    async def collect(self, received: Received, keep: Keep | None = None) -> tuple[Arrival, ...]:
        """Return what each item of a reply turns out to be, in order: decoded, or fetched now and decoded."""
        found = [self._collected(number, item, keep) for number, item in enumerate(received.items)]
        # One is nearly always all, and needs no task of its own.
        return (await found[0],) if len(found) == 1 else tuple(await asyncio.gather(*found))

    async def _collected(self, number: int, item: Item, keep: Keep | None) -> Arrival:
        async def kept(data: bytes) -> None:
            if keep is not None:
                await keep(number, data)

        return await collect(item, self._downloader, self._lookers, self._key(), kept)

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

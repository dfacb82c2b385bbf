"""Asking the fault server through the real client, and what came of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fault_server import FaultServer

from specrun.model.project import Provider
from specrun.provider.backoff import Backoff
from specrun.provider.client import ImageClient
from specrun.provider.courier import ImageRequest
from specrun.provider.outcome import Outcome, Received, Settled
from specrun.provider.results import Arrival

KEY = "sk-canary/7f3a9b+="
ENVIRON: Mapping[str, str] = {"FAULT_KEY": KEY}
QUICK = Backoff(base=0.001, cap=0.01)
T = TypeVar("T")


@dataclass
class Recorder:
    """A journal that remembers; `sent_when_left` holds how many attempts were recorded as sent at each POST."""

    events: list[tuple[str, int]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    async def intended(self, attempt: int) -> None:
        self.events.append(("intended", attempt))

    async def sent(self, attempt: int) -> None:
        self.events.append(("sent", attempt))

    async def settled(self, attempt: int, outcome: Outcome) -> None:
        self.events.append(("settled", attempt))
        self.outcomes.append(outcome)


@dataclass(frozen=True)
class Answer:
    """What a request came to: the end, what the journal saw, and the images."""

    settled: Settled
    journal: Recorder
    arrivals: tuple[Arrival, ...] = ()


def provider(server: FaultServer, **changes: Any) -> Provider:
    settings: dict[str, Any] = {
        "timeout": 5.0,
        "retry_for": 0.2,
        "api_key_env": "FAULT_KEY",
        "base_url": server.base_url,
    }
    return Provider(name="faulty", **{**settings, **changes})


def request(number: int = 1, images: int = 1, prompt: str = "a lamp") -> ImageRequest:
    body = f'{{"model": "m", "prompt": "{prompt}", "n": {images}, "seed": {number}}}'
    return ImageRequest(body=body.encode(), idempotency_key=f"sha256:{number}.1")


def ask(server: FaultServer, *, images: int = 1, **changes: Any) -> Answer:
    """Ask once, with resends, and collect what arrives."""

    async def talk(client: ImageClient) -> Answer:
        journal = Recorder()
        settled = await client.generate(request(images=images), journal)
        arrivals = await client.collect(settled) if isinstance(settled, Received) else ()
        return Answer(settled, journal, arrivals)

    return with_client(server, talk, **changes)


def with_client(server: FaultServer, talk: Callable[[ImageClient], Awaitable[T]], **changes: Any) -> T:
    """Run a coroutine function over an open client."""

    async def run() -> T:
        async with ImageClient(provider(server, **changes), environ=ENVIRON, backoff=QUICK) as client:
            return await talk(client)

    return asyncio.run(run())

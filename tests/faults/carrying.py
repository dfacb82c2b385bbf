"""Single attempts at the fault server, carried by the workers of a cluster."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from asking import provider
from fault_server import FaultServer

from specrun.cluster.start import Cluster
from specrun.provider.courier import Courier, LocalCourier
from specrun.store.blobs import Blobs

T = TypeVar("T")


def carried(
    cluster: Cluster,
    server: FaultServer,
    store: Path,
    talk: Callable[[Courier], Awaitable[T]],
    *,
    workers: int = 1,
    **changes: Any,
) -> T:
    """Run a coroutine function over a courier with that many workers."""
    # Ray reads its settings when it is imported; the fixtures make them.
    from specrun.cluster.courier import RayCourier

    async def run() -> T:
        asked = provider(server, concurrency=workers, **changes)
        async with RayCourier(asked, partial(LocalCourier, asked), cluster, Blobs(store)) as courier:
            return await talk(courier)

    return asyncio.run(run())


async def at_once() -> None:
    """Have nothing to do before a request leaves."""

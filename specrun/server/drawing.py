"""The sandbox's engine: pictures drawn from the request."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from specrun.server.engine import ImageRequest
from specrun.server.render.picture import draw


class DrawingEngine:
    """Draws in threads of its own, so that nobody waits for a picture but who asked for it."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sandbox")

    async def images(self, request: ImageRequest) -> Sequence[bytes]:
        """Return `request.count` PNG files."""
        loop = asyncio.get_running_loop()
        drawn = (loop.run_in_executor(self._pool, draw, request, index + 1) for index in range(request.count))
        return await asyncio.gather(*drawn)

    async def aclose(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

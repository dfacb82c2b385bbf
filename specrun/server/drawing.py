"""The sandbox's engine: pictures drawn from the request."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from specrun.server.drawer import Drawer
from specrun.server.engine import ImageRequest

# Starting processes takes about as long as drawing so many pictures.
_WORTH_PROCESSES = 16


class DrawingEngine:
    """Draws away from the event loop: a few pictures in threads, many in `processes`, by default one a processor.

    Where it is `eager`, the first process is started at once and each further one as soon as it is needed. While a
    process is not ready yet, its thread draws.
    """

    name = "drawing"

    def __init__(self, *, processes: int | None = None, eager: bool = False) -> None:
        count = processes or os.cpu_count() or 1
        self._drawers = [Drawer() for _ in range(count if eager else max(2, count))]
        self._idle = list(self._drawers)
        self._threads = ThreadPoolExecutor(max_workers=len(self._drawers), thread_name_prefix="sandbox")
        self._drawn = 0
        self._worth = 0 if eager else _WORTH_PROCESSES if count > 1 else None
        if eager:
            self._idle[-1].start()

    def fault(self, request: ImageRequest) -> str | None:  # noqa: ARG002 - others need it
        """Return None: it draws whatever is asked."""
        return None

    async def images(self, request: ImageRequest) -> Sequence[bytes]:
        """Return `request.count` PNG files."""
        loop = asyncio.get_running_loop()
        numbers = range(1, request.count + 1)
        return await asyncio.gather(
            *(loop.run_in_executor(self._threads, self._image, request, number) for number in numbers)
        )

    async def aclose(self) -> None:
        """Let go of threads and processes."""
        await asyncio.to_thread(self._close)

    def _image(self, request: ImageRequest, index: int) -> bytes:
        drawer = self._idle.pop()  # there is one for each thread
        self._drawn += 1
        try:
            if self._worth is not None and self._drawn > self._worth:
                drawer.start()
            return drawer.draw(request, index)
        finally:
            self._idle.append(drawer)

    def _close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        for drawer in self._drawers:
            drawer.close()

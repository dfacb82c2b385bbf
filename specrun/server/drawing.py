"""The sandbox's engine: pictures drawn from the request."""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.connection import wait

from specrun.server.engine import ImageRequest
from specrun.server.render.picture import draw

# Starting processes takes about as long as drawing so many pictures.
_WORTH_PROCESSES = 16


class DrawingEngine:
    """Draws away from the event loop: a few pictures in threads, many in `processes`, by default one a processor."""

    name = "drawing"

    def __init__(self, *, processes: int | None = None) -> None:
        self._processes = processes or os.cpu_count() or 1
        self._drawn = 0
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sandbox")
        self._pool: ProcessPoolExecutor | None = None

    def fault(self, request: ImageRequest) -> str | None:  # noqa: ARG002 - others need it
        """Return None: it draws whatever is asked."""
        return None

    async def images(self, request: ImageRequest) -> Sequence[bytes]:
        """Return `request.count` PNG files."""
        return await asyncio.gather(*(self._image(request, index + 1) for index in range(request.count)))

    async def aclose(self) -> None:
        """Let go of threads and processes."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._pool is not None:
            await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    async def _image(self, request: ImageRequest, index: int) -> bytes:
        loop = asyncio.get_running_loop()
        self._drawn += 1
        try:
            return await loop.run_in_executor(self._executor(), draw, request, index)
        except BrokenExecutor:
            # A process was killed from outside; its picture is drawn here, and no more processes are started.
            self._processes, self._pool = 1, None
            return await loop.run_in_executor(self._threads, draw, request, index)

    def _executor(self) -> Executor:
        if self._pool is None and self._processes > 1 and self._drawn > _WORTH_PROCESSES:
            context = multiprocessing.get_context("spawn")
            try:
                self._pool = ProcessPoolExecutor(self._processes, mp_context=context, initializer=_prepare_process)
            except (ImportError, OSError):
                self._processes = 1  # some systems have no semaphores to offer
        return self._pool or self._threads


def _prepare_process() -> None:
    """Leave interrupts to the parent process, and go when it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def _follow(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)

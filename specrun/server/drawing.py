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

# Starting processes takes as long as drawing this many pictures.
_WORTH_PROCESSES = 12


class DrawingEngine:
    """Draws away from the event loop: a few pictures in threads, many in up to `processes` processes."""

    name = "drawing"

    def __init__(self, *, processes: int = 0) -> None:
        self._processes = processes
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
            self._processes = 0
            return await loop.run_in_executor(self._threads, draw, request, index)

    def _executor(self) -> Executor:
        if self._processes < 2 or self._drawn <= _WORTH_PROCESSES:  # noqa: PLR2004 - one process is no more than threads
            return self._threads
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._processes, mp_context=context, initializer=_prepare_process)
        return self._pool


def _prepare_process() -> None:
    """Leave interrupts to the parent process, and go when it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def _follow(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)

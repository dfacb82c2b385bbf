"""Ctrl-C and SIGTERM: the first asks to stop, the second does not wait."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator

from specrun.apply.stop import Stop

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def interruptible(stop: Stop) -> Iterator[None]:
    """While inside, each signal interrupts: the first lets what is in flight arrive, any other waits for nothing.

    Signals belong to a process's main thread; in any other this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()

    def handle(_number: int, _frame: object) -> None:
        # Python calls this between two of its instructions, anywhere; the loop goes on when it is safe.
        loop.call_soon_threadsafe(stop.interrupt)

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""Ctrl-C and SIGTERM: the first asks to stop, the second does not wait."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

from specrun.apply.stop import Stop

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def interruptible(stop: Stop, at_once: Callable[[], object]) -> Iterator[None]:
    """While inside, the first signal requests a stop and the second calls `at_once`.

    Signals belong to a process's main thread; in any other this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    signals = 0

    def heard() -> None:
        nonlocal signals
        signals += 1
        if signals > 1:
            at_once()
        stop.request("interrupted", "waiting for what is in flight; once more ends at once", interrupted=True)

    def handle(_number: int, _frame: object) -> None:
        # Python calls this between two of its instructions, anywhere; the loop calls `heard` when it is safe.
        loop.call_soon_threadsafe(heard)

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

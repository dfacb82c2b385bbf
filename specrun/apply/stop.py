"""Stopping: nothing more is sent, what is in flight is awaited."""

from collections.abc import Callable

from specrun.apply.events import Event, Stopping


class Stop:
    """Set once, by a signal or by what dooms every request; tells those who registered with `whenever`."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._listeners: list[Callable[[], None]] = []
        self.requested = False
        self.interrupted = False

    def whenever(self, listener: Callable[[], None]) -> None:
        """Call `listener` when it is time to stop; at once where that was before."""
        if self.requested:
            listener()
        else:
            self._listeners.append(listener)

    def request(self, cause: str, hint: str = "", *, interrupted: bool = False) -> None:
        """Stop, and say why; only the first reason is told."""
        self.interrupted |= interrupted
        if self.requested:
            return
        self.requested = True
        self._emit(Stopping(cause=cause, hint=hint, interrupted=interrupted))
        for listener in self._listeners:
            listener()

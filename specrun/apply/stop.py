"""Stopping: nothing more is sent, what is in flight is awaited, unless that is to end as well."""

from collections.abc import Callable

from specrun.apply.events import Event, Stopping


class Stop:
    """Set once, by a person or by what dooms every request; tells those who registered.

    Register with `whenever` what ends for any reason, with `when_interrupted` what only a person ends, and with
    `at_once` how to end without waiting, for a person who interrupts once more. `unanswered` counts the requests
    that have left and whose replies are not here.
    """

    def __init__(self, emit: Callable[[Event], None], unanswered: Callable[[], int] = lambda: 0) -> None:
        self._emit = emit
        self._unanswered = unanswered
        self._whenever: list[Callable[[], None]] = []
        self._when_interrupted: list[Callable[[], None]] = []
        self._at_once: list[Callable[[], object]] = []
        self._ended = False
        self.requested = False
        self.interrupted = False

    def whenever(self, listener: Callable[[], None]) -> None:
        """Call `listener` when it is time to stop; at once where that was before."""
        if self.requested:
            listener()
        else:
            self._whenever.append(listener)

    def when_interrupted(self, listener: Callable[[], None]) -> None:
        """Call `listener` when a person interrupts; at once where that was before."""
        if self.interrupted:
            listener()
        else:
            self._when_interrupted.append(listener)

    def at_once(self, ender: Callable[[], object]) -> None:
        """Call `ender` when nothing is to be waited for any longer; at once where that was before."""
        if self._ended:
            ender()
        else:
            self._at_once.append(ender)

    def request(self, cause: str, hint: str = "") -> None:
        """Stop, and say why; only the first reason is told, and an interruption."""
        if not self.requested:
            self._emit(Stopping(cause=cause, hint=hint, interrupted=False))
            self._stop()

    def interrupt(self) -> None:
        """Stop because a person says so; once more, wait for nothing any longer."""
        if self.interrupted:
            self._end()
            return
        self.interrupted = True
        hint = "what is in flight is finished first; once more ends at once"
        if waiting := self._unanswered():
            hint = f"waiting for the replies to {_requests(waiting)}; once more ends at once, and leaves them unknown"
        self._emit(Stopping(cause="interrupted", hint=hint, interrupted=True))
        self._stop()
        for listener in self._when_interrupted:
            listener()

    def _stop(self) -> None:
        if not self.requested:
            self.requested = True
            for listener in self._whenever:
                listener()

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            if left := self._unanswered():
                hint = "they may have been billed, and their runs are held"
                self._emit(Stopping(cause=f"{_requests(left)} left unanswered", hint=hint, interrupted=True))
            for ender in self._at_once:
                ender()


def _requests(number: int) -> str:
    return f"{number:,} request{'' if number == 1 else 's'}"

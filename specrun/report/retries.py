"""Requests that are sent again: what they meet is told once, with how long it is tried, and now and then that it is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from specrun.apply.alike import shape
from specrun.apply.events import Event, Resending
from specrun.report import inert
from specrun.report.words import count

# How soon it is said that it goes on; each time twice as long after.
_SOON: Final = timedelta(minutes=1)


@dataclass(kw_only=True, slots=True)
class _Wait:
    until: datetime
    told: datetime
    gap: timedelta = _SOON
    runs: set[str] = field(default_factory=set)


class Retries:
    """Follows what is sent again; `now` is the time that people read."""

    def __init__(self, now: Callable[[], datetime] = datetime.now) -> None:
        self._now = now
        self._waits: dict[tuple[str, str], _Wait] = {}

    def add(self, event: Event) -> str:
        """Take an event in; return a line where there is something to say of it."""
        if not isinstance(event, Resending):
            return ""
        now = self._now()
        mark = (event.provider, shape(event.cause, event.request_id))
        wait = self._waits.get(mark)
        if wait is None or now > wait.until:
            until = now + timedelta(seconds=event.retry_for)
            self._waits[mark] = _Wait(until=until, told=now, runs={event.address})
            return inert.line(f"again     {event.cause}; {_whom(event)} is tried again for {_until(event, until)}")
        wait.runs.add(event.address)
        if now < wait.told + wait.gap:
            return ""
        wait.told, wait.gap = now, wait.gap * 2
        told = f"{event.cause}, as before, for {count(len(wait.runs), 'run')}; {_whom(event)} is tried until"
        return inert.line(f"again     {told} {wait.until:%H:%M:%S}")


def _whom(event: Resending) -> str:
    return f"provider {event.provider}" + (f" at {event.base_url}" if event.base_url else "")


def _until(event: Resending, until: datetime) -> str:
    said = " a run (`retry_for`), now" if event.reached else ", as it was never reached,"
    return f"up to {event.retry_for:g} s{said} until {until:%H:%M:%S}"

"""Who watches an apply: a person at a terminal, a log, or a program."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from specrun.apply.events import Event
from specrun.cli.console import complain, ink, note, say
from specrun.model.plan import Plan
from specrun.report.diagnostics import as_text
from specrun.report.event_json import as_line
from specrun.report.event_text import progress, result, trouble

Watch = Callable[[Event], None]
T = TypeVar("T")


@contextlib.contextmanager
def watching(plan: Plan, *, json: bool) -> Iterator[Watch]:
    """Give a function that shows each event as whoever watches wants it."""
    if json:
        lines = _Lines()
        try:
            yield lines.tell
        finally:
            lines.write()
    elif has_bar():
        with _bar(plan) as watch:
            yield _patient(watch)
    else:
        yield _patient(_tell)


def has_bar() -> bool:
    """Whether what happens is drawn on a terminal, not told line by line."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


@contextlib.contextmanager
def logging_to(path: Path | None) -> Iterator[Watch]:
    """Give a function that appends each event to a file as JSON, a line each; without a file it does nothing."""
    if path is None:
        yield lambda _event: None
        return
    with path.open("a", encoding="utf-8", newline="\n", buffering=1) as file:

        def write(event: Event) -> None:
            file.write(as_line(event, datetime.now(UTC)))

        yield _patient(write)


class _Lines:
    """Writes events to standard output, a line each: those of one round of the event loop in one go, at its end."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._say: Callable[[str], None] = _patient(lambda text: say(text, line_break=False))

    def tell(self, event: Event) -> None:
        if not self._lines:
            asyncio.get_running_loop().call_soon(self.write)
        self._lines.append(as_line(event, datetime.now(UTC)))

    def write(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            self._say("".join(lines))


def _patient(watch: Callable[[T], None]) -> Callable[[T], None]:
    """Let an apply go on where nobody can be told any more: its reader has left, or the disk of its log is full."""
    gone = False

    def told(what: T) -> None:
        nonlocal gone
        if not gone:
            try:
                watch(what)
            except OSError:
                gone = True

    return told


def _tell(event: Event) -> None:
    """Write results to standard output, everything else to standard error."""
    if made := result(event):
        say(made)
    if how := progress(event):
        note(how)
    if (wrong := trouble(event)) is not None:
        complain(wrong)


@contextlib.contextmanager
def _bar(plan: Plan) -> Iterator[Watch]:
    """Draw a bar on the terminal; only what a person should read stands above it."""
    # Drawing takes a while to import, which a log has no use for.
    from specrun.report.progress import Bar  # noqa: PLC0415

    colours = ink(sys.stderr)
    with Bar(plan.name, sum(action.verb.pending for action in plan.actions)) as bar:

        def watch(event: Event) -> None:
            bar.show(event)
            if not sys.stdout.isatty() and (made := result(event)):
                say(made)
            if how := progress(event):
                bar.print(how)
            if (wrong := trouble(event)) is not None:
                bar.print(as_text([wrong], colours).rstrip("\n"))

        yield watch

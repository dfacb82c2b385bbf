"""Who watches an apply: a person at a terminal, a log, or a program."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from specrun.apply.events import Event, Stopping, Warned
from specrun.cli.console import complain, ink, note, say
from specrun.diagnostics import Diagnostic
from specrun.model.plan import Plan
from specrun.report.diagnostics import as_text
from specrun.report.event_json import as_line
from specrun.report.event_text import progress, result, trouble
from specrun.report.retries import Retries
from specrun.report.troubles import Troubles

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
        return
    story = _Story(plan)
    try:
        if has_bar():
            with _bar(plan, story) as watch:
                yield _patient(watch)
        else:
            yield _patient(story.tell)
    finally:
        _patient(story.end)(None)


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


class _Story:
    """Tells an apply line by line; what befalls many runs once when it comes up, and once in the end with its number.

    Results go to standard output, everything else to standard error.
    """

    def __init__(self, plan: Plan) -> None:
        self._troubles = Troubles(plan)
        self._retries = Retries()

    def tell(self, event: Event) -> None:
        if made := result(event):
            say(made)
        if line := self.line(event):
            note(line)
        if (wrong := self.wrong(event)) is not None:
            complain(wrong)

    def line(self, event: Event) -> str:
        """Return a line about how things go, or about the first of the runs that something befalls."""
        return progress(event) or self._retries.add(event) or self._troubles.add(event)

    def wrong(self, event: Event) -> Diagnostic | None:
        """Return what is wrong with the whole apply; of runs it is told in the end."""
        return trouble(event) if isinstance(event, (Stopping, Warned)) else None

    def end(self, _: None) -> None:
        complain(*self._troubles.told())


@contextlib.contextmanager
def _bar(plan: Plan, story: _Story) -> Iterator[Watch]:
    """Draw a bar on the terminal; only what a person should read stands above it."""
    # Drawing takes a while to import, which a log has no use for.
    from specrun.report.progress import Bar  # noqa: PLC0415

    colours = ink(sys.stderr)
    with Bar(plan.name, sum(action.verb.pending for action in plan.actions)) as bar:

        def watch(event: Event) -> None:
            bar.show(event)
            if not sys.stdout.isatty() and (made := result(event)):
                say(made)
            if line := story.line(event):
                bar.print(line)
            if (wrong := story.wrong(event)) is not None:
                bar.print(as_text([wrong], colours).rstrip("\n"))

        yield watch

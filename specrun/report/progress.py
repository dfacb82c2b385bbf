"""A bar on a terminal that grows as runs are done."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from specrun.apply.events import Event, RunBlocked, RunDone, RunFailed, RunHeld, Sent
from specrun.report import inert


class Bar:
    """Shows on standard error how many of a plan's runs are through, how many are in flight, and what went wrong."""

    def __init__(self, name: str, runs: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[state]}", markup=False),
            console=Console(stderr=True, highlight=False),
            transient=True,
        )
        self._task = self._progress.add_task(inert.line(name), total=runs, state="")
        self._flying: set[str] = set()
        self._wrong = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        """Let the bar follow one event."""
        match event:
            case Sent():
                self._flying.add(event.address)
                self._update(0)
            case RunDone():
                self._ended(event.address)
            case RunHeld() | RunFailed() | RunBlocked():
                self._wrong += 1
                self._ended(event.address)
            case _:
                pass

    def print(self, text: str) -> None:
        """Write lines above the bar; `text` may hold colours and is otherwise inert."""
        self._progress.console.print(Text.from_ansi(text), soft_wrap=True)

    def _ended(self, address: str) -> None:
        self._flying.discard(address)
        self._update(1)

    def _update(self, advance: int) -> None:
        wrong = f", {self._wrong:,} not made" if self._wrong else ""
        self._progress.update(self._task, advance=advance, state=f"{len(self._flying):,} in flight{wrong}")

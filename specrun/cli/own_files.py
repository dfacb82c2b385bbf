"""Files that options name to be written: they replace what specrun wrote of the kind, never what a person made."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import click
import msgspec

from specrun.diagnostics import Diagnostic, UsageError
from specrun.store.contained import STREAMS, kind_of, open_regular

# How much of a file is looked at: heads of plans and pages come long before.
_HEAD = 1 << 16


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of file: what it is called, and texts of which one stands in the head of each that specrun wrote.

    With `first` it begins with one of them. What is `appended` to may be a pipe or a device; for others `instead` says
    what to do about these.
    """

    what: str
    marks: tuple[bytes, ...]
    first: bool = False
    appended: bool = False
    instead: str = "name a file that can be replaced"

    def wrote(self, head: bytes) -> bool:
        """Say whether a file that begins so may be one that specrun wrote; an empty one may be replaced."""
        return not head or any(head.startswith(mark) if self.first else mark in head for mark in self.marks)


PAGE = Kind(what="page", marks=(b'<meta name="generator" content="specrun',))
PLAN = Kind(what="saved plan", marks=(b'\n"asked": ',), instead="use --format json to write to a stream")
JUNIT_REPORT = Kind(what="JUnit report", marks=(b"<testsuites",))
LOG = Kind(what="log", marks=(b'"event":',), appended=True)
EXPORT = Kind(what="export", marks=(b"address,job,index,", b'{"address":', b'{"_type":', b"PAR1"), first=True)
SIGNED = Kind(what="signed image", marks=(b"c2pa", b"jumb"))

_Callback: TypeAlias = Callable[[click.Context, click.Parameter, Path | None], Path | None]


def own(kind: Kind) -> _Callback:
    """Return the callback of an option that names a file of this kind; any other is refused before anything is done."""

    def check(_context: click.Context, _parameter: click.Parameter, path: Path | None) -> Path | None:
        if path is not None:
            check_own(path, kind)
        return path

    return check


def check_own(path: Path, kind: Kind) -> None:
    """Raise `UsageError` where something else than a file of this kind stands at a path."""
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        if kind.appended and kind_of(path.resolve()) in STREAMS:
            return
        detail = f"{path}: {error.strerror}"
        raise UsageError(Diagnostic(summary="no file", detail=detail, hint=kind.instead)) from None
    if not kind.wrote(head):
        detail = f"{path} is there already, and is no {kind.what} that specrun wrote"
        raise UsageError(Diagnostic(summary="file in the way", detail=detail, hint="name another, or move it away"))

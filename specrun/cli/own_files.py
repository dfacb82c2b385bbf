"""Files that options name to be written: they replace what specrun wrote of the kind, never what a person made."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import click
import msgspec

from specrun.diagnostics import Diagnostic, UsageError
from specrun.store.contained import open_regular

# How much of a file is looked at: heads of plans and pages come long before.
_HEAD = 1 << 16


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of file: what it is called, and texts of which one stands in the head of each that specrun wrote."""

    what: str
    marks: tuple[bytes, ...]


PAGE = Kind(what="page", marks=(b'<meta name="generator" content="specrun',))
PLAN = Kind(what="saved plan", marks=(b'\n"asked": ',))
JUNIT_REPORT = Kind(what="JUnit report", marks=(b"<testsuites",))
LOG = Kind(what="log", marks=(b'{"at":', b'{"event":'))
EXPORT = Kind(what="export", marks=(b"address,job,index,", b'{"address":', b'{"_type":', b"PAR1"))
SIGNED = Kind(what="signed image", marks=(b"c2pa", b"jumb"))

_Callback: TypeAlias = Callable[[click.Context, click.Parameter, Path | None], Path | None]


def own(kind: Kind) -> _Callback:
    """Return the callback of an option that names a file of this kind, so that it is refused before anything is done."""

    def check(_context: click.Context, _parameter: click.Parameter, path: Path | None) -> Path | None:
        if path is not None:
            check_own(path, kind)
        return path

    return check


def check_own(path: Path, kind: Kind) -> None:
    """Raise `UsageError` where something else than a file of this kind stands at a path; an empty file may be replaced."""
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD)
    except FileNotFoundError:
        return
    except OSError as error:
        detail = f"{path}: {error.strerror}"
        raise UsageError(
            Diagnostic(summary="no file", detail=detail, hint="name a file that can be replaced")
        ) from None
    if head and not any(mark in head for mark in kind.marks):
        detail = f"{path} is there already, and is no {kind.what} that specrun wrote"
        raise UsageError(Diagnostic(summary="file in the way", detail=detail, hint="name another, or move it away"))

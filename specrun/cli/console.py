"""Where a command writes: results to standard output, everything said about them to standard error."""

import os
import sys
from collections.abc import Iterable
from typing import TextIO

import click

from specrun.diagnostics import Diagnostic
from specrun.report.ink import Ink


def ink(stream: TextIO) -> Ink:
    """Return colours for a terminal, none for anything else; `NO_COLOR` and `FORCE_COLOR` decide otherwise."""
    if os.environ.get("NO_COLOR"):
        return Ink(colour=False)
    if os.environ.get("FORCE_COLOR"):
        return Ink(colour=True)
    return Ink(colour=stream.isatty() and os.environ.get("TERM") != "dumb")


def say(text: str, *, line_break: bool = True) -> None:
    """Write part of the result, at once."""
    click.echo(text, nl=line_break, color=True)


def write(lines: Iterable[str]) -> None:
    """Write many lines of the result, each with the line break that it ends with."""
    # Not click.echo, which flushes each time: a plan can have 100,000 lines.
    sys.stdout.writelines(lines)


def note(text: str) -> None:
    """Write a word to the person at the terminal that is no result."""
    click.echo(text, err=True, color=True)


def complain(*diagnostics: Diagnostic) -> None:
    """Write diagnostics for people."""
    if not diagnostics:
        return
    # Most commands have nothing to complain of, and start faster without.
    from specrun.report.diagnostics import as_text  # noqa: PLC0415

    click.echo(as_text(diagnostics, ink(sys.stderr)), err=True, nl=False, color=True)

"""Errors from outside specrun's own code as diagnostics."""

import errno
import os
from collections.abc import Mapping

import click

from specrun.cli.familiar import advise_option
from specrun.diagnostics import Diagnostic

_FIXES: Mapping[int, str] = {
    errno.ENOSPC: "free some disk space, then run the command again",
    errno.EDQUOT: "free some of your disk quota, then run the command again",
    errno.EACCES: "make it accessible to you, or use another folder",
    errno.EPERM: "make it accessible to you, or use another folder",
    errno.EROFS: "use a folder on a file system that can be written to",
    errno.ENOENT: "check the path",
    errno.EISDIR: "name a file, not a folder",
    errno.ENOTDIR: "check the path: part of it is a file",
    errno.ENAMETOOLONG: "use a shorter name",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.EIO: "check the disk: it failed to read or write",
}


def usage_fault(error: click.ClickException) -> Diagnostic:
    """Return what is wrong with the command line."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context is not None else "specrun"
    detail = error.format_message()
    if isinstance(error, click.NoSuchOption) and context is not None:
        advice = advise_option(error.option_name, [name for known in context.command.params for name in known.opts])
        detail = f"{command} has no option {error.option_name}{advice and '; '}{advice}"
    return Diagnostic(summary="wrong usage", detail=detail, hint=f"see {command} --help")


def file_fault(error: OSError) -> Diagnostic:
    """Return what the operating system refused, with the path where it named one."""
    path = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes)) else ""
    hint = _FIXES.get(error.errno or 0, "")
    return Diagnostic(summary="the operating system refused", detail=f"{path}{error.strerror}", hint=hint)


def internal_fault(error: BaseException) -> Diagnostic:
    """Return what to do about a mistake in specrun itself."""
    return Diagnostic(
        summary="internal error",
        detail=f"{type(error).__name__}: {error}",
        hint="this is a mistake in specrun: please report it with what `specrun --debug …` prints",
    )

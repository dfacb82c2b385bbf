"""The one place where errors become messages and exit codes."""

import io
import os
import signal
import sys
from collections.abc import Sequence

import click

DONE = 0
FAILED = 1
PENDING = 2
USAGE = 64
INTERRUPTED = 130

_INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM)


def guarded(cli: click.Command, arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code; no exception and no traceback leaves here unasked."""
    _steady_streams()
    _hear_interruptions()
    debug = False
    try:
        with cli.make_context("specrun", list(arguments)) as context:
            debug = bool(context.params.get("debug"))
            code = cli.invoke(context)
        _flush()
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except BrokenPipeError:
        _silence_stdout()
        return FAILED
    except (KeyboardInterrupt, click.Abort):
        # The next one, while Python ends, ends it without ceremony.
        for number in _INTERRUPTIONS:
            signal.signal(number, signal.SIG_DFL)
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it is, a person gets a message
        if debug:
            import traceback  # noqa: PLC0415 - only for --debug

            traceback.print_exc()
        return _explained(error)
    return code if isinstance(code, int) else DONE


def _explained(error: Exception) -> int:
    """Say what went wrong, and return the exit code for it."""
    # Imported only now, because most commands end well and start faster without.
    from specrun.cli.console import complain  # noqa: PLC0415
    from specrun.cli.faults import file_fault, internal_fault, usage_fault  # noqa: PLC0415
    from specrun.diagnostics import SpecrunError  # noqa: PLC0415

    match error:
        case click.exceptions.NoArgsIsHelpError():
            error.show()
            return USAGE
        case click.ClickException():
            complain(usage_fault(error))
            return USAGE
        case SpecrunError():
            complain(*error.diagnostics)
            return error.exit_code
        case OSError(errno=int()):
            complain(file_fault(error))
            _flush()
            return FAILED
        case _:
            complain(internal_fault(error))
            return FAILED


def _steady_streams() -> None:
    """Write UTF-8 whatever the locale, so that a plan's bytes are the same everywhere and nothing is unprintable."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def _hear_interruptions() -> None:
    """Have Ctrl-C and SIGTERM end whatever goes on, unless they are ignored or somebody else listens."""
    for number in _INTERRUPTIONS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _flush() -> None:
    """Hand over what was printed; where that fails now, it must not fail once more when Python ends."""
    try:
        sys.stdout.flush()
    except OSError:
        _silence_stdout()
        raise


def _silence_stdout() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)

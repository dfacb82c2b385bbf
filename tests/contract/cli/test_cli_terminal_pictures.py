"""Pictures on a terminal: a pseudo-terminal that answers as different terminals do."""

import fcntl
import os
import pty
import select
import struct
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

SPEC = "specs/quickstart.yaml"
ADDRESS = 'animals[animal="an owl",style=woodcut]'
ASKS = b"\x1b[c"
TRUE_COLOUR = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
HALF_BLOCK = "▀".encode()


def on_terminal(
    folder: Path, arguments: list[str], env: Mapping[str, str], *, answer: bytes = b"", lines: int = 40
) -> bytes:
    """Run specrun on a terminal that says `answer` when it is asked what it is, and return what it got to show."""
    child, terminal = pty.fork()
    if not child:
        os.chdir(folder)
        os.environ.pop("NO_COLOR", None)
        os.environ.update(env)
        os.execv(sys.executable, [sys.executable, "-m", "specrun", *arguments])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, 100 if lines else 0, 1000, 800))
    shown = b""
    while select.select([terminal], [], [], 60)[0]:
        try:
            piece = os.read(terminal, 1 << 16)
        except OSError:
            break
        if not piece:
            break
        if ASKS in piece and answer:
            os.write(terminal, answer)
        shown += piece
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, shown
    return shown


@pytest.fixture
def applied(project: Any) -> Any:
    project("apply", "--yes", SPEC)
    return project


@pytest.mark.parametrize("what", [ADDRESS, "outputs/quickstart/animals/an-owl-woodcut.png"])
def test_show_draws_half_blocks_where_the_terminal_knows_nothing_better(applied: Any, what: str) -> None:
    assert on_terminal(applied.folder, ["show", what], TRUE_COLOUR).count(HALF_BLOCK) > 50


def test_show_draws_sixels_where_the_terminal_knows_them(applied: Any) -> None:
    shown = on_terminal(applied.folder, ["show", ADDRESS], TRUE_COLOUR, answer=b"\x1b[?62;4c")
    assert b"\x1bP" in shown
    assert HALF_BLOCK not in shown


def test_apply_draws_what_it_made_and_nothing_when_there_is_nothing_new(project: Any) -> None:
    arguments = ["apply", "--yes", SPEC]
    assert on_terminal(project.folder, arguments, TRUE_COLOUR).count(HALF_BLOCK) > 200
    assert HALF_BLOCK not in on_terminal(project.folder, arguments, TRUE_COLOUR)


@pytest.mark.parametrize(
    ("env", "lines"),
    [({"TERM": "dumb"}, 40), (TRUE_COLOUR | {"NO_COLOR": "1"}, 40), (TRUE_COLOUR, 0)],
    ids=["dumb", "no colour", "no size"],
)
def test_other_terminals_are_left_alone(applied: Any, env: dict[str, str], lines: int) -> None:
    shown = on_terminal(applied.folder, ["show", ADDRESS], env, lines=lines)
    assert HALF_BLOCK not in shown
    assert ASKS not in shown


def test_a_pipe_gets_text_alone(applied: Any) -> None:
    assert "\x1b" not in applied("show", ADDRESS).out

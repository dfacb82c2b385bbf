"""Every command that a message prints is one that the program takes."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import specrun
from specrun.cli.main import COMMANDS, cli

PACKAGE = Path(specrun.__file__).parent
PRINTED = re.compile(r"`(specrun [^`]+)`")
# What stands in messages for what a person fills in.
FILLED = {
    "i/N": "1/4",
    "SPEC/SPEC": "1/4",
    "DIGEST": "sha256:0",
    "ID": "black-forest-labs/FLUX.1-dev",
    "SHELL": "bash",
}


def texts(path: Path) -> Iterator[str]:
    """Yield the texts of a module, its docstrings left out; what is put into them when they are made reads `SPEC`."""
    tree = ast.parse(path.read_text("utf-8"))
    bodies = (node.body for node in ast.walk(tree) if hasattr(node, "body") and isinstance(node.body, list))
    docstrings = {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}
    pieces = {id(piece) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for piece in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(piece.value) if isinstance(piece, ast.Constant) else "SPEC" for piece in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | pieces:
            yield node.value


def commands() -> list[str]:
    found = {command for path in PACKAGE.rglob("*.py") for text in texts(path) for command in PRINTED.findall(text)}
    # What only names the program's own commands by a variable is made of those that are found elsewhere.
    return sorted(command for command in found if command.split()[1] in COMMANDS)


@pytest.mark.parametrize("command", commands())
def test_a_printed_command_says_all_that_it_needs(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("SPEC", "IMAGE"):
        Path(name).write_text("")
    name, *words = shlex.split(command)[1:]
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    found.make_context(name, [FILLED.get(word, word) for word in words])

"""`specrun init [DIR]`: a project that runs."""

import sys
from pathlib import Path

import click

from specrun.cli.console import say
from specrun.cli.examples import examples
from specrun.cli.scaffold import SPEC, Written, scaffold
from specrun.report import inert

EPILOG = examples(
    ("specrun init", "in the current folder"),
    ("specrun init shop", "in the folder shop, made if need be"),
    ("specrun init shop --commit-outputs", "with the images in git"),
)

QUESTION = (
    "Shall git hold the images too? Otherwise it ignores them: whoever clones this has lock and specs, and no image;\n"
    "without a shared store (`store` in specrun.yaml) the models are asked, and paid, again for them."
)
_IGNORED = (
    "git ignores outputs/: a clone has no image until `specrun pull SPEC` brings them from a shared store (`store`"
    " in specrun.yaml);\nwithout one they are paid for again. To keep them in git, take /outputs/ out of .gitignore."
)


@click.command("init", epilog=EPILOG)
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--commit-outputs/--ignore-outputs",
    default=None,
    help="Whether git holds the images. Asked on a terminal; ignored by default.",
)
def command(folder: Path, *, commit_outputs: bool | None) -> None:
    """Make a project that runs.

    It has settings, a spec, its schema for editors, a .gitignore and a CI workflow. Files that are already there
    stay as they are.
    """
    if commit_outputs is None:
        commit_outputs = sys.stdin.isatty() and click.confirm(QUESTION, default=False, err=True)
    for written in scaffold(folder, commit_outputs=commit_outputs):
        say(_line(written))
    if not commit_outputs:
        say(f"\n{_IGNORED}")
    say("\nNext:")
    if folder.resolve() != Path.cwd():
        say(f"  cd {inert.line(str(folder))}")
    say(f"  specrun plan {SPEC}\n  specrun apply {SPEC}")


def _line(written: Written) -> str:
    note = f" ({inert.line(written.note)})" if written.note else ""
    return f"{written.fate.value:<8}  {written.path}{note}"

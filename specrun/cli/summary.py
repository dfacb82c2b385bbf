"""`specrun summary SPEC…`: what it cost, how long it took, what went wrong."""

import os
import sys
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import click
import msgspec

from specrun.atomic import write_atomic
from specrun.cli.console import ink, note, write
from specrun.cli.examples import examples
from specrun.cli.options import SPECS
from specrun.cli.own_files import PAGE, own
from specrun.cli.targets import target_of
from specrun.diagnostics import Diagnostic, UsageError
from specrun.report import inert
from specrun.report.history import History, history_of
from specrun.report.history_json import as_json
from specrun.report.history_text import as_text
from specrun.spec.project import load_project
from specrun.store.ledger_view import view_ledger
from specrun.store.manifest import read_manifest
from specrun.verify.target import Target

EPILOG = examples(
    ("specrun summary specs/quickstart.yaml", "cost, time and failures by model and by job"),
    ("specrun summary --html summary.html specs/quickstart.yaml", "the same in charts"),
    ("specrun summary --format json specs/*.yaml", "for programs"),
)

Format: TypeAlias = Literal["text", "json"]


class SummaryOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks of `summary`."""

    specs: tuple[Path, ...]
    html: Path | None
    format: Format


@click.command("summary", epilog=EPILOG)
@SPECS
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=own(PAGE),
    help="Also write a page with charts.",
)
@click.option("--format", type=click.Choice(get_args(Format)), default="text", show_default=True)
def command(**given: Any) -> None:
    """Show what a spec's requests came to on this machine: money, time, failures.

    The numbers come from the ledger, which holds every request that was ever sent from this project; variants of a
    spec count with it.
    """
    options = SummaryOptions(**given)
    if options.html is not None and len(options.specs) > 1:
        detail = "a page is about one spec"
        raise UsageError(Diagnostic(summary="several specs", detail=detail, hint="leave out --html, or name one spec"))
    found = []
    for spec in options.specs:
        project = load_project(spec.parent)
        target = target_of(spec, project, None, None)
        with view_ledger(project.state / "ledger.db") as ledger:
            found.append((target, history_of(target.spec, ledger.history(target.spec))))
    if options.html is not None:
        _write_page(options.html, *found[0])
    histories = [history for _, history in found]
    match options.format:
        case "text":
            write(f"{line}\n" for line in as_text(histories, ink(sys.stdout)))
        case "json":
            write([as_json(histories)])


def _write_page(path: Path, target: Target, history: History) -> None:
    # Most summaries are read as text, and start faster without what makes pages.
    from specrun.pages.summary import summary_page  # noqa: PLC0415

    images = read_manifest(target.outputs)
    pieces = summary_page(target.name, history, images[1] if images is not None else (), target.root)
    write_atomic(path, (piece.encode() for piece in pieces))
    note(inert.line(os.path.relpath(path)))

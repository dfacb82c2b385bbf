"""`specrun validate SPEC…`: every fault at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import click
import msgspec

from specrun.cli.boundary import DONE, FAILED
from specrun.cli.console import complain, note, say, write
from specrun.cli.examples import examples
from specrun.cli.namesakes import Namesakes
from specrun.cli.options import SPECS, SpecOptions, variable_options
from specrun.diagnostics import Diagnostic, Severity, SpecrunError
from specrun.plan.make import expand
from specrun.report import inert
from specrun.report.words import count
from specrun.spec.project import load_project
from specrun.store.document import collector_paused

EPILOG = examples(
    ("specrun validate specs/quickstart.yaml", "faults with their places and fixes"),
    ("specrun validate --format github specs/*.yaml", "as annotations of a pull request"),
    ("specrun validate --format json specs/quickstart.yaml", "for programs"),
)


Format: TypeAlias = Literal["text", "json", "github"]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """One spec: how many runs it has, None where it could not be expanded, and what was found."""

    spec: Path
    runs: int | None
    found: tuple[Diagnostic, ...]


class ValidateOptions(SpecOptions, frozen=True, kw_only=True):
    """What the command line asks of `validate`."""

    format: Format


@click.command("validate", epilog=EPILOG)
@SPECS
@variable_options
@click.option("--format", type=click.Choice(get_args(Format)), default="text", show_default=True)
def command(**given: Any) -> int:
    """Check specs; report every fault with its place and fix.

    Nothing is sent, nothing written. Exits 1 where a spec has faults; warnings alone are none.
    """
    options = ValidateOptions(**given)
    with collector_paused():
        namesakes = Namesakes()
        checked = [_check(spec, options, namesakes) for spec in options.specs]
    _show(checked, options.format)
    found = [diagnostic for each in checked for diagnostic in each.found]
    return FAILED if any(diagnostic.severity is Severity.ERROR for diagnostic in found) else DONE


def _check(spec: Path, options: ValidateOptions, namesakes: Namesakes) -> Checked:
    try:
        project = load_project(spec.parent)
        expanded = expand(options.request(spec), project, None)
        namesakes.check(spec, expanded.spec.name, project)
    except SpecrunError as error:
        return Checked(spec=spec, runs=None, found=error.diagnostics)
    return Checked(spec=spec, runs=len(expanded.runs), found=expanded.warnings)


def _show(checked: Sequence[Checked], format_: Format) -> None:
    found = list(dict.fromkeys(diagnostic for each in checked for diagnostic in each.found))
    if format_ == "text":
        complain(*found)
        for each in checked:
            if each.runs is not None:
                say(f"{inert.line(each.spec.as_posix())}: valid, {count(each.runs, 'run')}")
    if format_ != "text" or found:
        _report(found, format_)


def _report(found: Sequence[Diagnostic], format_: Format) -> None:
    # Most specs have no faults, and are found to be valid sooner without.
    from specrun.report.diagnostics import as_github, as_json, tally  # noqa: PLC0415

    match format_:
        case "json":
            write([as_json(found)])
        case "github":
            write([as_github(found)])
        case "text":
            note(tally(found))

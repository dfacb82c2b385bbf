"""Options that commands share, from click's strings to frozen values."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from specrun.cli.folders import files_of
from specrun.cli.own_files import JUNIT_REPORT, own
from specrun.plan.request import PlanRequest

Function = TypeVar("Function", bound=Callable[..., Any])


def _specs(metavar: str, *, required: bool) -> Callable[[Function], Function]:
    """Return the argument; a folder stands for the specs in it."""
    path = click.Path(path_type=Path)
    return click.argument("specs", metavar=metavar, nargs=-1, required=required, type=path, callback=files_of)


SPECS = _specs("SPEC...", required=True)
SPECS_OR_NONE = _specs("[SPEC...]", required=False)
JUNIT = click.option(
    "--junit",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=own(JUNIT_REPORT),
    help="Also write it as JUnit XML, which CI services show.",
)


class SpecOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The specs of a command line, and what it says about their variables and the variant that they make."""

    specs: tuple[Path, ...]
    vars: tuple[tuple[str, str], ...]
    var_files: tuple[Path, ...]
    name: str | None

    def request(self, spec: Path) -> PlanRequest:
        """Return the request to plan one of the specs."""
        return PlanRequest(spec=spec, vars=self.vars, var_files=self.var_files, name=self.name)


class WishOptions(SpecOptions, frozen=True, kw_only=True):
    """Which runs of the specs are meant, and which are to be asked for although nothing calls for it."""

    targets: tuple[str, ...]
    replace: tuple[str, ...]
    retry_unknown: bool
    regenerate_lost: bool

    @property
    def plain(self) -> bool:
        """Whether it is enough to say how many runs are kept, where all are."""
        return True

    def request(self, spec: Path) -> PlanRequest:
        """Return the request to plan one of the specs."""
        return PlanRequest(
            spec=spec,
            vars=self.vars,
            var_files=self.var_files,
            name=self.name,
            targets=self.targets,
            replace=self.replace,
            retry_unknown=self.retry_unknown,
            regenerate_lost=self.regenerate_lost,
        )


def _assignments(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Split each value at its first equals sign."""
    found = []
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{value!r} is not of the form NAME=VALUE", context, parameter)
        found.append((name, text))
    return tuple(found)


def variable_options(function: Function) -> Function:
    """Add `--var`, `--var-file` and `--name`."""
    options = (
        click.option(
            "--var",
            "vars",
            metavar="NAME=VALUE",
            callback=_assignments,
            multiple=True,
            help="Set a variable of the spec; the value is read as YAML. Repeatable.",
        ),
        click.option(
            "--var-file",
            "var_files",
            metavar="FILE",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            multiple=True,
            help="Set variables from a YAML file. Repeatable; --var wins.",
        ),
        click.option("--name", metavar="NAME", help="Make a variant with a lock and outputs of its own."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def wish_options(function: Function) -> Function:
    """Add `--target`, `--replace`, `--retry-unknown` and `--regenerate-lost`."""
    form = "an address (with * and ? as wildcards), a job, or axis=value. Repeatable."
    options = (
        click.option("--target", "targets", metavar="RUNS", multiple=True, help=f"Only these runs: {form}"),
        click.option("--replace", metavar="RUNS", multiple=True, help=f"Ask for these anew: {form}"),
        click.option("--retry-unknown", is_flag=True, help="Ask again where nobody knows what came of a request."),
        click.option("--regenerate-lost", is_flag=True, help="Ask (and pay) again for images that are nowhere."),
    )
    for option in reversed(options):
        function = option(function)
    return function

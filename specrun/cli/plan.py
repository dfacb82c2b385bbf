"""`specrun plan SPEC…`: what would be made, why, and what it costs."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import click

from specrun.atomic import write_atomic
from specrun.cli.boundary import DONE, PENDING
from specrun.cli.console import ink, write
from specrun.cli.examples import examples
from specrun.cli.options import SPECS, WishOptions, variable_options, wish_options
from specrun.cli.outcomes import Outcomes
from specrun.cli.page_options import html_option, thumbnails_option
from specrun.cli.planning import Planned, plan_all, quotas_of
from specrun.diagnostics import Diagnostic, UsageError
from specrun.report.plan_graph import as_dot, as_mermaid
from specrun.report.plan_markdown import as_markdown
from specrun.report.plan_text import as_text

EPILOG = examples(
    ("specrun plan specs/quickstart.yaml", "what would be made, and what it costs"),
    ("specrun plan --full specs/quickstart.yaml", "with each run on a line"),
    ("specrun plan --target 'animals[*style=woodcut]' specs/quickstart.yaml", "only some runs"),
    ("specrun plan --format markdown specs", "every spec in a folder, as a comment for a pull request"),
    ("specrun plan --html plan.html specs/quickstart.yaml", "with what is there, and drawings of what is new"),
    ("specrun plan --detailed-exitcode specs/*.yaml", "exit 2 where anything is to do"),
)


Format: TypeAlias = Literal["text", "json", "markdown", "dot", "mermaid"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanOptions(WishOptions):
    """What the command line asks of `plan`."""

    output: Path | None
    format: Format
    full: bool
    html: Path | None
    thumbnails: str | None
    detailed_exitcode: bool


@click.command("plan", epilog=EPILOG)
@SPECS
@variable_options
@wish_options
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Save it as JSON."
)
@click.option("--format", type=click.Choice(get_args(Format)), default="text", show_default=True)
@click.option("--full", is_flag=True, help="Show each run on a line of its own.")
@html_option
@thumbnails_option
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 where the plan changes anything.")
def command(**given: Any) -> int:
    """Show what would be made, why, and what it costs.

    Works offline and without a key; writes nothing but the files asked for. In a GitHub workflow the plan also
    appears on the page of the run.
    """
    options = PlanOptions(**given)
    _refuse(options)
    outcomes = Outcomes()
    planned = plan_all(options, outcomes)
    if planned:
        _show(planned, options)
    changes = any(action.verb.pending for each in planned for action in each.plan.actions)
    return PENDING if outcomes.code == DONE and changes and options.detailed_exitcode else outcomes.code


def _refuse(options: PlanOptions) -> None:
    """Raise `UsageError` for options that do not go together."""
    if len(options.specs) > 1 and (options.output is not None or options.format == "json"):
        detail = "a JSON document holds the plan of one spec"
        raise UsageError(Diagnostic(summary="several specs", detail=detail, hint="plan them one at a time"))
    if len(options.specs) > 1 and options.html is not None:
        detail = "a page shows the images of one spec"
        raise UsageError(Diagnostic(summary="several specs", detail=detail, hint="plan them one at a time"))
    if options.output is not None and options.output.exists() and not options.output.is_file():
        detail = f"{options.output} is not a file that can be replaced"
        raise UsageError(Diagnostic(summary="no file", detail=detail, hint="use --format json to write to a stream"))


def _pictures(planned: Sequence[Planned], options: PlanOptions) -> Mapping[str, str]:
    """Write the page asked for, and return the thumbnails asked for, as URLs by blob."""
    if options.html is None and options.thumbnails is None:
        return {}
    # Most plans are read as text, and start faster without what draws.
    from specrun.cli.plan_page import linked_pictures, write_plan_page  # noqa: PLC0415

    if options.html is not None:
        write_plan_page(options.html, planned[0])
    return {} if options.thumbnails is None else linked_pictures(planned, options.thumbnails)


def _show(planned: Sequence[Planned], options: PlanOptions) -> None:
    """Write the plans to standard output, the file asked for, and the summary of a GitHub workflow."""
    plans = [each.plan for each in planned]
    quotas = quotas_of(planned)
    pictures = _pictures(planned, options)
    match options.format:
        case "text":
            lines = as_text(plans, quotas=quotas, full=options.full, ink=ink(sys.stdout))
            write(f"{line}\n" for line in lines)
        case "json":
            write(planned[0].document())
        case "markdown":
            write([as_markdown(plans, quotas=quotas, pictures=pictures, full=options.full)])
        case "dot":
            write([as_dot(plans)])
        case "mermaid":
            write([as_mermaid(plans)])
    if options.output is not None:
        write_atomic(options.output, (text.encode() for text in planned[0].document()))
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8", newline="\n") as file:
            file.write(as_markdown(plans, quotas=quotas, pictures=pictures, full=options.full))

"""`specrun plan SPEC…`: what would be made, why, and what it costs."""

import sys
from pathlib import Path
from typing import Any, get_args

import click

from specrun.cli.boundary import DONE
from specrun.cli.console import ink, write
from specrun.cli.examples import examples
from specrun.cli.options import SPECS, variable_options, wish_options
from specrun.cli.own_files import PLAN, own
from specrun.cli.page_options import html_option, thumbnails_option
from specrun.cli.plan_options import Format, PlanOptions
from specrun.cli.settled import all_settled
from specrun.diagnostics import Diagnostic, UsageError
from specrun.report.settled_text import as_text
from specrun.store.document import collector_paused

EPILOG = examples(
    ("specrun plan specs/quickstart.yaml", "what would be made, and what it costs"),
    ("specrun plan --full specs/quickstart.yaml", "with each run on a line"),
    ("specrun plan --target 'animals[*style=woodcut]' specs/quickstart.yaml", "only some runs"),
    ("specrun plan --format markdown specs", "every spec in a folder, as a comment for a pull request"),
    ("specrun plan --html plan.html specs/quickstart.yaml", "with what is there, and drawings of what is new"),
    ("specrun plan --detailed-exitcode specs/*.yaml", "exit 2 where anything is to do"),
)


@click.command("plan", epilog=EPILOG)
@SPECS
@variable_options
@wish_options
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=own(PLAN),
    help="Save it as JSON.",
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
    # Templates, schemas and views: where nothing is left to do, none of it is needed.
    kept = all_settled(options)
    if kept is None:
        with collector_paused():
            from specrun.cli.unchanged import all_unchanged  # noqa: PLC0415

            kept, unlocked = all_unchanged(options, renew=False)
            if kept is None:
                from specrun.cli.plan_shown import plan_and_show  # noqa: PLC0415

                return plan_and_show(options, unlocked)
    write(f"{line}\n" for line in as_text(kept, ink(sys.stdout)))
    return DONE


def _refuse(options: PlanOptions) -> None:
    """Raise `UsageError` for options that do not go together."""
    if len(options.specs) > 1 and (options.output is not None or options.format == "json"):
        detail = "a JSON document holds the plan of one spec"
        raise UsageError(Diagnostic(summary="several specs", detail=detail, hint="plan them one at a time"))
    if len(options.specs) > 1 and options.html is not None:
        detail = "a page shows the images of one spec"
        raise UsageError(Diagnostic(summary="several specs", detail=detail, hint="plan them one at a time"))

"""`specrun apply SPEC…`: the images that the plan lists, and only those."""

from pathlib import Path
from typing import Any

import click

from specrun.cli.apply_options import ApplyCommandOptions
from specrun.cli.boundary import DONE
from specrun.cli.examples import examples
from specrun.cli.executor import read_cluster_address
from specrun.cli.money import amounts
from specrun.cli.options import JUNIT, SPECS, variable_options, wish_options
from specrun.cli.own_files import LOG, own
from specrun.cli.settled import all_settled
from specrun.cli.shards import read_share
from specrun.diagnostics import Diagnostic, UsageError

EPILOG = examples(
    ("specrun apply specs/quickstart.yaml", "shows the plan, asks, then makes it"),
    ("specrun apply --yes specs/quickstart.yaml", "without asking, for scripts"),
    ("specrun apply plan.json", "exactly what `specrun plan -o plan.json SPEC` showed, without asking"),
    ("specrun apply --rehearse specs/quickstart.yaml", "everything on the sandbox, for nothing"),
    ("specrun apply --yes --shard 2/4 specs/quickstart.yaml", "one machine's share; then `specrun merge SPEC`"),
    ("specrun apply --yes --max-cost 25CNY --max-images 100 specs/*.yaml", "never more than this"),
)


@click.command("apply", epilog=EPILOG)
@SPECS
@variable_options
@wish_options
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option(
    "-j", "--jobs", metavar="N", type=click.IntRange(min=1), help="Have at most N requests under way at once."
)
@click.option(
    "--max-cost", metavar="AMOUNT", multiple=True, callback=amounts, help="Spend at most this, like 25CNY. Repeatable."
)
@click.option("--max-images", metavar="N", type=click.IntRange(min=0), help="Ask for at most N images.")
@click.option("--rehearse", is_flag=True, help="Make everything on the sandbox, into .specrun/rehearsal.")
@click.option("--locked", is_flag=True, help="Exit 2, and send nothing, where the lock's pins would change.")
@click.option("--frozen", is_flag=True, help="Send no request at all; exit 1 where one is needed.")
@click.option("--expect", metavar="DIGEST", help="Apply only the plan with this digest, reviewed elsewhere.")
@click.option("--prune", is_flag=True, help="Afterwards remove the outputs of runs that the specs no longer have.")
@click.option(
    "--shard",
    metavar="I/N",
    callback=read_share,
    help="Only this machine's share; `specrun merge SPEC` joins what all left.",
)
@click.option(
    "--executor",
    type=click.Choice(["local", "ray"]),
    default="local",
    help="Where requests leave from: this process, or the workers of a Ray cluster.",
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    callback=read_cluster_address,
    help="The Ray cluster's head; where not given, RAY_ADDRESS, or a Ray of its own on this machine.",
)
@JUNIT
@click.option("--gallery", is_flag=True, help="Afterwards make a page of the images.")
@click.option(
    "--log-file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=own(LOG),
    help="Append what happens to FILE as JSON, an event a line.",
)
@click.option("--json", is_flag=True, help="Write what happens as JSON, an event a line.")
def command(**given: Any) -> int:
    """Make the images that the plan lists, and only those.

    What was made before is kept, what was paid for is never paid for twice. Interrupt it at any time: everything
    that arrived is kept, and the next apply goes on from there.
    """
    options = ApplyCommandOptions(**given)
    _refuse(options)
    # What plans and what asks takes a while to import: where nothing is left to do, none of it is needed.
    kept = all_settled(options)
    if kept is None:
        from specrun.cli.unchanged import all_unchanged  # noqa: PLC0415

        kept, unlocked = all_unchanged(options, renew=True)
    if kept is None:
        from specrun.cli.apply_planned import plan_and_apply  # noqa: PLC0415

        return plan_and_apply(options, unlocked)
    from specrun.cli.settled_apply import tell_settled  # noqa: PLC0415

    tell_settled(kept, options.name)
    return DONE


def _refuse(options: ApplyCommandOptions) -> None:
    """Raise `UsageError` for options that do not go together."""
    if options.shard is not None and (options.targets or options.prune or options.rehearse or options.gallery):
        raise click.UsageError("--shard does not go with --target, --prune, --rehearse or --gallery")
    if options.prune and options.rehearse:
        raise click.UsageError("--rehearse leaves outputs alone; --prune removes some")
    if options.json and not options.yes and not options.rehearse:
        detail = "--json leaves no place for a question"
        raise UsageError(Diagnostic(summary="nobody to ask", detail=detail, hint="add --yes"))

"""`specrun apply SPEC…`: the images that the plan lists, and only those."""

import asyncio
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import click
from msgspec.structs import replace

from specrun.apply.apply import apply
from specrun.apply.budget import Purse
from specrun.apply.events import Event, Finished
from specrun.apply.fetch_inputs import fetch_inputs, urls_of
from specrun.apply.options import ApplyOptions
from specrun.cli.applied import gallery_command, new_images, place_applied, write_gallery
from specrun.cli.boundary import DONE, FAILED
from specrun.cli.catalogue import catalog_of
from specrun.cli.console import complain, ink, note, say, write
from specrun.cli.discipline import check_discipline
from specrun.cli.examples import examples
from specrun.cli.executor import cluster_for, read_cluster_address
from specrun.cli.money import amounts
from specrun.cli.options import JUNIT, SPECS, WishOptions, variable_options, wish_options
from specrun.cli.outcomes import Outcomes
from specrun.cli.planning import Planned, plan_all, plan_saved, quotas_of
from specrun.cli.prune import remove_orphans
from specrun.cli.settled import all_settled
from specrun.cli.settled_apply import tell_settled
from specrun.cli.settling import settle
from specrun.cli.shards import read_share
from specrun.cli.terminal import draw_strip
from specrun.cli.watching import Watch, logging_to, watching
from specrun.cli.wiring import client_factory, client_factory_on, shared_store
from specrun.cluster.start import Cluster
from specrun.diagnostics import Diagnostic, SpecrunError, UsageError
from specrun.model.plan import Verb, total
from specrun.model.project import Budget
from specrun.model.run import Price
from specrun.model.shard import Shard
from specrun.plan.make import make_plan
from specrun.plan.request import PlanRequest
from specrun.report import inert
from specrun.report.event_text import summary
from specrun.report.plan_text import as_text

EPILOG = examples(
    ("specrun apply specs/quickstart.yaml", "shows the plan, asks, then makes it"),
    ("specrun apply --yes specs/quickstart.yaml", "without asking, for scripts"),
    ("specrun apply plan.json", "exactly what `specrun plan -o plan.json` showed, without asking"),
    ("specrun apply --rehearse specs/quickstart.yaml", "everything on the sandbox, for nothing"),
    ("specrun apply --yes --shard 2/4 specs/quickstart.yaml", "one machine's share; then `specrun merge`"),
    ("specrun apply --yes --max-cost 25CNY --max-images 100 specs/*.yaml", "never more than this"),
)

# What changes the world, and so is asked about before.
_CHANGING = (Verb.CREATE, Verb.REPLACE, Verb.RESTORE, Verb.MOVE)


class ApplyCommandOptions(WishOptions, frozen=True, kw_only=True):
    """What the command line asks of `apply`."""

    yes: bool
    jobs: int | None
    max_cost: tuple[Price, ...]
    max_images: int | None
    rehearse: bool
    locked: bool
    frozen: bool
    expect: str | None
    prune: bool
    shard: Shard | None
    executor: Literal["local", "ray"]
    address: str | None
    junit: Path | None
    log_file: Path | None
    gallery: bool
    json: bool

    def request(self, spec: Path) -> PlanRequest:
        """Return the request to plan one of the specs."""
        return replace(WishOptions.request(self, spec), shard=self.shard)

    @property
    def plain(self) -> bool:
        """Whether it is enough to say that everything is kept."""
        asked = (
            self.rehearse,
            self.locked,
            self.expect,
            self.prune,
            self.junit,
            self.log_file,
            self.gallery,
            self.json,
        )
        return not any(asked) and self.executor == "local"

    @property
    def saved(self) -> bool:
        """Whether saved plans are to be applied, not specs."""
        return any(path.suffix == ".json" for path in self.specs)


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
    help="Only this machine's share; `specrun merge` joins what all left.",
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
    if options.plain and (kept := all_settled(options)) is not None:
        tell_settled(kept, options.name)
        return DONE
    cluster = cluster_for(options.executor, options.address)
    outcomes = Outcomes()
    planned = _planned(options, outcomes)
    if not options.json:
        plans = [each.plan for each in planned]
        write(f"{line}\n" for line in as_text(plans, quotas=quotas_of(planned), ink=ink(sys.stdout)))
    planned = _disciplined(planned, options, outcomes)
    budget = Budget(cost=options.max_cost, images=options.max_images)
    if not options.rehearse:
        _check_budgets(planned, budget)
        if not _agreed(planned, options):
            note("Nothing was changed.")
            return FAILED
    how = ApplyOptions(jobs=options.jobs, budget=budget, rehearse=options.rehearse)
    with cluster as joined:
        _apply_all(planned, how, joined, outcomes, options)
    if options.junit is not None:
        outcomes.write_junit(options.junit)
    if options.prune and outcomes.code == DONE:
        for each in planned:
            remove_orphans(each.plan, each.project)
    return outcomes.code


def _refuse(options: ApplyCommandOptions) -> None:
    """Raise `UsageError` for options that do not go together."""
    if options.shard is not None and (options.targets or options.prune or options.rehearse or options.gallery):
        raise click.UsageError("--shard does not go with --target, --prune, --rehearse or --gallery")
    if options.prune and options.rehearse:
        raise click.UsageError("--rehearse leaves outputs alone; --prune removes some")
    if options.json and not options.yes and not options.rehearse:
        detail = "--json leaves no place for a question"
        raise UsageError(Diagnostic(summary="nobody to ask", detail=detail, hint="add --yes"))


def _planned(options: ApplyCommandOptions, outcomes: Outcomes) -> list[Planned]:
    if not options.saved:
        return plan_all(options, outcomes)
    asked = (options.vars, options.var_files, options.name, options.targets, options.replace)
    if any(asked) or options.shard or options.retry_unknown or options.regenerate_lost:
        raise click.UsageError("a saved plan has said already which runs, variables and name it is for")
    if any(path.suffix != ".json" for path in options.specs):
        raise click.UsageError("apply specs or saved plans, not both at once")
    return plan_saved(options.specs, outcomes)


def _disciplined(planned: Sequence[Planned], options: ApplyCommandOptions, outcomes: Outcomes) -> list[Planned]:
    """Return the plans that --expect, --locked and --frozen allow; the others do not keep them."""
    allowed = []
    for each in planned:
        try:
            check_discipline(each, expect=options.expect, locked=options.locked, frozen=options.frozen)
        except SpecrunError as error:
            outcomes.refused(each.plan.spec, "check", error)
        else:
            allowed.append(each)
    return allowed


def _check_budgets(planned: Sequence[Planned], budget: Budget) -> None:
    """Raise `OverBudgetError` where all plans together may pass a limit, before any of them is applied."""
    limits = {budget, *(each.project.budget for each in planned), *(each.plan.budget for each in planned)}
    Purse(limits).check(total(tuple(action for each in planned for action in each.plan.actions)))


def _agreed(planned: Sequence[Planned], options: ApplyCommandOptions) -> bool:
    """Ask, unless nothing would change or the answer was given."""
    if (
        options.yes
        or options.saved
        or not any(action.verb in _CHANGING for each in planned for action in each.plan.actions)
    ):
        return True
    if not sys.stdin.isatty():
        detail = "apply asks before it changes anything, and there is no terminal to ask on"
        raise UsageError(Diagnostic(summary="nobody to ask", detail=detail, hint="read the plan, then pass --yes"))
    return click.confirm("\nApply this?", err=True)


def _with_inputs(planned: Planned) -> Planned:
    """Fetch the input URLs that nobody has fetched yet, and plan again with what they hold."""
    urls = urls_of((action.run for action in planned.plan.actions if action.run is not None), known=False)
    if not urls:
        return planned
    fetched, faults = asyncio.run(fetch_inputs(urls, planned.project))
    complain(*faults)
    request = replace(planned.request, urls=fetched)
    return replace(planned, plan=make_plan(request, planned.project))


def _apply_all(
    planned: Sequence[Planned],
    how: ApplyOptions,
    cluster: Cluster | None,
    outcomes: Outcomes,
    options: ApplyCommandOptions,
) -> None:
    """Apply plan after plan, so that one that fails does not keep the others; an interruption ends them all."""
    for each in planned:
        events: list[Event] = []
        try:
            fetched = _with_inputs(each)
            with logging_to(options.log_file) as log:
                finished = _apply(fetched, how, cluster, events, log, json=options.json)
        except SpecrunError as error:
            outcomes.refused(each.plan.spec, "apply", error)
            continue
        outcomes.applied(fetched.plan, events, finished)
        _show_images(fetched, finished, events, options)
        if finished.interrupted:
            break
        if finished.exit_code == DONE and not options.rehearse:
            settle(each)


def _apply(
    planned: Planned, how: ApplyOptions, cluster: Cluster | None, events: list[Event], log: Watch, *, json: bool
) -> Finished:
    """Apply one plan; `events` gathers what is told meanwhile, and `log` is told it too."""
    plan, project = planned.plan, planned.project
    catalog = catalog_of(project)
    place = place_applied(planned, rehearse=how.rehearse)
    clients = client_factory(catalog) if cluster is None else client_factory_on(cluster, catalog, place.blobs())
    shared = None if how.rehearse else shared_store(project)
    with watching(plan, json=json) as show:

        def watch(event: Event) -> None:
            events.append(event)
            log(event)
            show(event)

        # The plan lives to the end: the collector need not look through it again and again.
        gc.freeze()
        finished = asyncio.run(apply(plan, project, catalog, clients, how, watch, shared))
    if not json:
        say("\n".join(("", *summary(finished, os.path.relpath(place.outputs)))))
    return finished


def _show_images(planned: Planned, finished: Finished, events: list[Event], options: ApplyCommandOptions) -> None:
    """Draw the new images where the terminal can, and make or name the gallery."""
    tell = note if options.json else say
    place = place_applied(planned, rehearse=options.rehearse)
    if options.gallery:
        tell(inert.line(f"Gallery: {write_gallery(planned, place)}"))
    elif not options.json and not options.rehearse and (finished.made or finished.delivered or finished.kept):
        tell(inert.line(f"Gallery: {gallery_command(planned.plan.spec, planned.plan.asked.variant)}"))
    if not options.json:
        draw_strip(new_images(events, place.outputs))

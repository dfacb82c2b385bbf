"""Plans made, shown, agreed to and applied."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from specrun.apply.options import ApplyOptions
from specrun.cli.apply_options import ApplyCommandOptions
from specrun.cli.apply_outcomes import ApplyOutcomes
from specrun.cli.applying import apply_all
from specrun.cli.boundary import DONE, FAILED
from specrun.cli.consent import agreed, check_budgets
from specrun.cli.console import ink, note, write
from specrun.cli.discipline import disciplined
from specrun.cli.executor import cluster_for
from specrun.cli.planning import Planned, plan_all, plan_saved, quotas_of
from specrun.cli.prune import remove_orphans
from specrun.model.project import Budget
from specrun.plan.make import Expanded
from specrun.report.plan_text import as_text


def plan_and_apply(options: ApplyCommandOptions, unlocked: Mapping[Path, Expanded]) -> int:
    """Plan the specs, apply what may be applied, and return the exit code.

    `unlocked` holds what specs were expanded to before, without their locks.
    """
    cluster = cluster_for(options.executor, options.address)
    outcomes = ApplyOutcomes()
    planned = _planned(options, outcomes, unlocked)
    if not options.json:
        plans = [each.plan for each in planned]
        lines = as_text(plans, quotas=quotas_of(plans), left_out=outcomes.left_out, ink=ink(sys.stdout))
        write(f"{line}\n" for line in lines)
    planned = disciplined(planned, options, outcomes)
    budget = Budget(cost=options.max_cost, images=options.max_images)
    if not options.rehearse:
        check_budgets(planned, budget)
        if not agreed(planned, options):
            note("Nothing was changed.")
            return FAILED
    how = ApplyOptions(jobs=options.jobs, budget=budget, rehearse=options.rehearse)
    with cluster as joined:
        apply_all(planned, how, joined, outcomes, options)
    if options.junit is not None:
        outcomes.write_junit(options.junit)
    if options.prune and outcomes.code == DONE:
        for each in planned:
            remove_orphans(each.plan, each.project)
    return outcomes.code


def _planned(options: ApplyCommandOptions, outcomes: ApplyOutcomes, unlocked: Mapping[Path, Expanded]) -> list[Planned]:
    if not options.saved:
        return plan_all(options, outcomes, unlocked)
    asked = (options.vars, options.var_files, options.name, options.targets, options.replace)
    if any(asked) or options.shard or options.retry_unknown or options.regenerate_lost:
        raise click.UsageError("a saved plan has said already which runs, variables and name it is for")
    if any(path.suffix != ".json" for path in options.specs):
        raise click.UsageError("apply specs or saved plans, not both at once")
    return plan_saved(options.specs, outcomes)

"""Plans made, shown, agreed to and applied.

What asks and what prunes is imported where it is used: that takes longer than to see that there is nothing to do.
"""

import sys

import click

from specrun.apply.options import ApplyOptions
from specrun.cli.apply_options import ApplyCommandOptions
from specrun.cli.apply_outcomes import ApplyOutcomes
from specrun.cli.boundary import DONE, FAILED
from specrun.cli.consent import agreed, check_budgets
from specrun.cli.console import ink, note, write
from specrun.cli.discipline import disciplined
from specrun.cli.executor import cluster_for
from specrun.cli.gallery_command import gallery_command
from specrun.cli.planning import Planned, plan_all, plan_saved, quotas_of
from specrun.cli.settled_apply import tell_kept
from specrun.cli.settling import nothing_to_write, settle
from specrun.model.project import Budget
from specrun.report.plan_text import as_text


def plan_and_apply(options: ApplyCommandOptions) -> int:
    """Plan the specs, apply what may be applied, and return the exit code."""
    cluster = cluster_for(options.executor, options.address)
    outcomes = ApplyOutcomes()
    planned = _planned(options, outcomes)
    if not options.json:
        plans = [each.plan for each in planned]
        write(f"{line}\n" for line in as_text(plans, quotas=quotas_of(plans), ink=ink(sys.stdout)))
    planned = disciplined(planned, options, outcomes)
    budget = Budget(cost=options.max_cost, images=options.max_images)
    if not options.rehearse:
        check_budgets(planned, budget)
        if not agreed(planned, options):
            note("Nothing was changed.")
            return FAILED
    how = ApplyOptions(jobs=options.jobs, budget=budget, rehearse=options.rehearse)
    with cluster as joined:
        for each in planned:
            if options.plain and nothing_to_write(each):
                _tell_kept(each)
            else:
                from specrun.cli.applying import apply_one  # noqa: PLC0415

                if not apply_one(each, how, joined, outcomes, options):
                    break
    if options.junit is not None:
        outcomes.write_junit(options.junit)
    if options.prune and outcomes.code == DONE:
        from specrun.cli.prune import remove_orphans  # noqa: PLC0415

        for each in planned:
            remove_orphans(each.plan, each.project)
    return outcomes.code


def _planned(options: ApplyCommandOptions, outcomes: ApplyOutcomes) -> list[Planned]:
    if not options.saved:
        return plan_all(options, outcomes)
    asked = (options.vars, options.var_files, options.name, options.targets, options.replace)
    if any(asked) or options.shard or options.retry_unknown or options.regenerate_lost:
        raise click.UsageError("a saved plan has said already which runs, variables and name it is for")
    if any(path.suffix != ".json" for path in options.specs):
        raise click.UsageError("apply specs or saved plans, not both at once")
    return plan_saved(options.specs, outcomes)


def _tell_kept(planned: Planned) -> None:
    plan = planned.plan
    gallery = gallery_command(plan.spec, plan.asked.variant)
    tell_kept(plan.name, len(plan.actions), planned.project.outputs / plan.name, gallery)
    settle(planned)

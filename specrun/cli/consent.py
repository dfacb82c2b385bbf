"""What stands between plans and what they would change: limits, and a person's yes."""

import sys
from collections.abc import Sequence

import click

from specrun.apply.budget import Purse
from specrun.cli.apply_options import ApplyCommandOptions
from specrun.cli.planning import Planned
from specrun.diagnostics import Diagnostic, UsageError
from specrun.model.plan import Verb, total
from specrun.model.project import Budget

# What changes the world, and so is asked about before.
_CHANGING = (Verb.CREATE, Verb.REPLACE, Verb.RESTORE, Verb.MOVE)


def check_budgets(planned: Sequence[Planned], budget: Budget) -> None:
    """Raise `OverBudgetError` where all plans together may pass a limit, before any of them is applied."""
    limits = {budget, *(each.project.budget for each in planned), *(each.plan.budget for each in planned)}
    if limits != {Budget()}:
        Purse(limits).check(total(tuple(action for each in planned for action in each.plan.actions)))


def agreed(planned: Sequence[Planned], options: ApplyCommandOptions) -> bool:
    """Ask, unless nothing would change or the answer was given; what `--prune` removes is a change."""
    changing = (*_CHANGING, Verb.ORPHAN) if options.prune else _CHANGING
    if (
        options.yes
        or options.saved
        or not any(action.verb in changing for each in planned for action in each.plan.actions)
    ):
        return True
    if not sys.stdin.isatty():
        detail = "apply asks before it changes anything, and there is no terminal to ask on"
        raise UsageError(Diagnostic(summary="nobody to ask", detail=detail, hint="read the plan, then pass --yes"))
    return click.confirm("\nApply this?", err=True)

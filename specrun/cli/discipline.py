"""What CI asks of an apply: only what was reviewed, only what was locked, nothing that costs."""

from collections.abc import Sequence

from specrun.apply.relock import stale_pins
from specrun.cli.apply_options import ApplyCommandOptions
from specrun.cli.outcomes import Outcomes
from specrun.cli.planning import Planned
from specrun.diagnostics import Diagnostic, PendingError, SpecrunError
from specrun.plan.saved import check_expected


class FrozenError(SpecrunError):
    """A request is needed where none may be sent."""


def disciplined(planned: Sequence[Planned], options: ApplyCommandOptions, outcomes: Outcomes) -> list[Planned]:
    """Return the plans that --expect, --locked and --frozen allow; the others do not keep them."""
    allowed = []
    for each in planned:
        try:
            _check(each, options)
        except SpecrunError as error:
            outcomes.refused(each.plan.spec, "check", error)
        else:
            allowed.append(each)
    return allowed


def _check(planned: Planned, options: ApplyCommandOptions) -> None:
    """Raise where --expect, --locked or --frozen do not allow a plan."""
    if options.expect is not None:
        check_expected(options.expect, planned.plan)
    if options.locked and (moved := stale_pins(planned.plan, planned.project)):
        hint = "run `specrun lock`, and commit the lock"
        raise PendingError(*(Diagnostic(summary="lock out of date", detail=line, hint=hint) for line in moved[:20]))
    needed = [action.address for action in planned.plan.actions if action.requested]
    if options.frozen and needed:
        more = f" and {len(needed) - 1} more" if len(needed) > 1 else ""
        detail = f"{needed[0]}{more} would have to be asked for"
        hint = "apply without --frozen, or bring the images: from a shared store, or from who made them"
        raise FrozenError(Diagnostic(summary="frozen", detail=detail, hint=hint))

"""What CI asks of an apply: only what was reviewed, only what was locked, nothing that costs."""

from collections.abc import Sequence

from specrun.apply.relock import stale_pins
from specrun.cli.apply_options import ApplyCommandOptions
from specrun.cli.outcomes import Outcomes
from specrun.cli.planning import Planned
from specrun.diagnostics import Diagnostic, PendingError, SpecrunError
from specrun.plan.saved import check_expected
from specrun.store.lockfile import lock_path


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
        lock = lock_path(planned.plan.spec, planned.plan.asked.variant)
        detail = f"{lock}: {': '.join(moved[0])}{_more(moved, ', and')}"
        spec = planned.plan.place.arguments
        hint = f"run `specrun lock {spec}`, and commit the lock; `specrun lock --check {spec}` lists what would change"
        raise PendingError(Diagnostic(summary="lock out of date", detail=detail, hint=hint))
    needed = [action.address for action in planned.plan.actions if action.requested]
    if options.frozen and needed:
        detail = f"{planned.plan.spec}: {needed[0]}{_more(needed, ' and')} would have to be asked for"
        hint = "apply without --frozen, or bring the images: from a shared store, or from who made them"
        raise FrozenError(Diagnostic(summary="frozen", detail=detail, hint=hint))


def _more(found: Sequence[object], joint: str) -> str:
    return f"{joint} {len(found) - 1:,} more" if len(found) > 1 else ""

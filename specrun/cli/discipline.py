"""What CI asks of an apply: only what was reviewed, only what was locked, nothing that costs."""

from collections.abc import Sequence

from specrun.apply.relock import stale_pins
from specrun.cli.planning import Planned
from specrun.diagnostics import Diagnostic, PendingError, SpecrunError
from specrun.plan.saved import check_expected


class FrozenError(SpecrunError):
    """A request is needed where none may be sent."""


def check_discipline(planned: Sequence[Planned], *, expect: str | None, locked: bool, frozen: bool) -> None:
    """Raise where --expect, --locked or --frozen do not allow these plans."""
    for each in planned:
        if expect is not None:
            check_expected(expect, each.plan)
        if locked and (moved := stale_pins(each.plan, each.project)):
            hint = "run `specrun lock`, and commit the lock"
            raise PendingError(*(Diagnostic(summary="lock out of date", detail=line, hint=hint) for line in moved[:20]))
        needed = [action.address for action in each.plan.actions if action.requested]
        if frozen and needed:
            more = f" and {len(needed) - 1} more" if len(needed) > 1 else ""
            detail = f"{needed[0]}{more} would have to be asked for"
            hint = "apply without --frozen, or bring the images: from a shared store, or from who made them"
            raise FrozenError(Diagnostic(summary="frozen", detail=detail, hint=hint))

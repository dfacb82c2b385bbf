"""The most that one apply may spend, kept before the first request and at each one."""

from collections.abc import Iterable
from decimal import Decimal

from specrun.diagnostics import Diagnostic, SpecrunError
from specrun.model.plan import Totals
from specrun.model.project import Budget
from specrun.model.run import Price, Run


class OverBudgetError(SpecrunError):
    """The plan costs more than one apply may spend."""


class Purse:
    """Counts what was spent and what may be; `reserve` before a request, `release` where it was not billed."""

    def __init__(self, limits: Iterable[Budget]) -> None:
        self._limits = tuple(limits)
        self._images = 0
        self._cost: dict[str, Decimal] = {}

    def check(self, totals: Totals) -> None:
        """Raise `OverBudgetError` for a plan that may go over a limit, or whose price nobody can know."""
        faults = [fault for limit in self._limits for fault in _faults(limit, totals)]
        if faults:
            raise OverBudgetError(*faults)

    def reserve(self, run: Run) -> bool:
        """Set money aside for a request; say False, and set nothing aside, where a limit would be passed."""
        self._add(run, 1)
        if all(self._within(limit) for limit in self._limits):
            return True
        self._add(run, -1)
        return False

    def release(self, run: Run) -> None:
        """Take back what was set aside for a request that was not billed."""
        self._add(run, -1)

    def _add(self, run: Run, sign: int) -> None:
        self._images += sign * run.images
        if run.price is not None:
            amount = run.price.amount * run.images * sign
            self._cost[run.price.currency] = self._cost.get(run.price.currency, Decimal(0)) + amount

    def _within(self, limit: Budget) -> bool:
        if limit.images is not None and self._images > limit.images:
            return False
        return all(self._cost.get(price.currency, Decimal(0)) <= price.amount for price in limit.cost)


def _faults(limit: Budget, totals: Totals) -> Iterable[Diagnostic]:
    if limit.images is not None and totals.images > limit.images:
        yield _over(f"the plan asks for {totals.images} images; the limit is {limit.images}")
    if not limit.cost:
        return
    limits = {price.currency: price for price in limit.cost}
    for cost in totals.cost:
        most = limits.get(cost.currency)
        if most is None:
            hint = f"set one in {cost.currency} too, or leave out what costs in it with --target"
            yield _over(f"the plan costs {_text(cost)}, and no limit in {cost.currency} is set", hint)
        elif cost.amount > most.amount:
            yield _over(f"the plan costs {_text(cost)}; the limit is {_text(most)}")
    if totals.unpriced:
        yield _unpriced(totals, limit.cost[0].currency)


def _unpriced(totals: Totals, currency: str) -> Diagnostic:
    """Say which models have no price, and where one is given; no limit is high enough for what nobody knows."""
    models = sorted({each.common.model for each in totals.asked if each.common.price is None})
    which = f" ({', '.join(models)})" if models else ""
    images = "1 image" if totals.unpriced == 1 else f"{totals.unpriced:,} images"
    detail = f"the price of {images} is unknown{which}, so a limit on cost cannot be kept"
    given = ", ".join(f"{model}: {{{currency}: AMOUNT}}" for model in models or ["MODEL"])
    hint = (
        f"say in specrun.yaml what one image costs, `prices: {{{given}}}`; or limit only the images, with --max-images"
    )
    return Diagnostic(summary="price unknown", detail=detail, hint=hint)


def _over(detail: str, hint: str = "raise the limit, or narrow the plan with --target") -> Diagnostic:
    return Diagnostic(summary="over budget", detail=detail, hint=hint)


def _text(price: Price) -> str:
    return f"{price.amount} {price.currency}"

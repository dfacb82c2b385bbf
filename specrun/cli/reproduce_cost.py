"""What asking again costs, and whether it may."""

import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal

import click

from specrun.apply.budget import Purse
from specrun.cli.console import note
from specrun.diagnostics import Diagnostic, UsageError
from specrun.model.plan import Totals
from specrun.model.project import Budget
from specrun.model.run import Price
from specrun.report.words import count, money
from specrun.verify.question import Request

Prices = Mapping[str, Price | None]


def agreed(requests: Sequence[Request], prices: Prices, budgets: Sequence[Budget], *, yes: bool) -> bool:
    """Raise `OverBudgetError` for what a budget does not allow; else ask, unless the answer is `yes`."""
    totals = _totals(requests, prices)
    Purse(budgets).check(totals)
    told = [count(totals.requests, "request"), count(totals.images, "image"), *(money(cost) for cost in totals.cost)]
    if totals.unpriced:
        told.append(f"{count(totals.unpriced, 'image')} of unknown price")
    note(f"To ask again: {', '.join(told)}")
    if yes:
        return True
    if not sys.stdin.isatty():
        detail = "reproduce asks before it spends anything, and there is no terminal to ask on"
        raise UsageError(Diagnostic(summary="nobody to ask", detail=detail, hint="add --yes"))
    return click.confirm("Ask again?", err=True)


def _totals(requests: Sequence[Request], prices: Prices) -> Totals:
    cost: dict[str, Decimal] = {}
    unpriced = 0
    for request in requests:
        price, images = prices[request.row.address], len(request.originals)
        if price is None:
            unpriced += images
        else:
            cost[price.currency] = cost.get(price.currency, Decimal(0)) + price.amount * images
    return Totals(
        actions={},
        requests=len(requests),
        images=sum(len(request.originals) for request in requests),
        cost=tuple(Price(amount=cost[currency], currency=currency) for currency in sorted(cost)),
        unpriced=unpriced,
    )

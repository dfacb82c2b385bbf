"""What the images of a lock came to, as a manifest says it."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from specrun.model.lock import LockRow
from specrun.model.money import Figures, Sum, combined, counted, row_paid, row_request
from specrun.model.run import Price
from specrun.store.manifest import Money


def money_of(rows: Iterable[LockRow], price_of: Callable[[LockRow], Price | None]) -> Money:
    """Add up what rows came to by today's prices; a request that serves several of them is paid for once."""
    once = {row_request(row): row for row in rows}
    # Nearly all have the price of another, which takes longer to find than rows to count.
    alike: dict[tuple[str, str], list[LockRow]] = {}
    for row in once.values():
        alike.setdefault((row.provider, row.model), []).append(row)
    return _written(counted((combined(map(row_paid, each)), price_of(each[0])) for each in alike.values()))


def _written(figures: Figures) -> Money:
    """Return figures under the names that the file gives them."""
    return Money(
        spent=_amounts(figures.had),
        unknown=_amounts(figures.perhaps),
        wasted=_amounts(figures.lost),
        unpriced=figures.unpriced,
    )


def _amounts(total: Sum) -> dict[str, Decimal]:
    return {price.currency: price.amount for price in total.prices}

"""What the images of a lock came to: spent, perhaps spent, and spent for nothing."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from specrun.model.lock import LockRow, State
from specrun.model.run import Price
from specrun.store.manifest import Money


def money_of(rows: Iterable[LockRow], price_of: Callable[[LockRow], Price | None]) -> Money:
    """Add up what rows cost by today's prices: their images as spent, unusable ones as wasted, the rest as unknown."""
    sums: dict[str, dict[str, Decimal]] = {"spent": {}, "unknown": {}, "wasted": {}}
    unpriced = 0
    for row in rows:
        for kind, images in _images(row).items():
            price = price_of(row)
            if price is None:
                unpriced += images
            elif price.amount:
                sums[kind][price.currency] = sums[kind].get(price.currency, Decimal(0)) + price.amount * images
    return Money(spent=sums["spent"], unknown=sums["unknown"], wasted=sums["wasted"], unpriced=unpriced)


def _images(row: LockRow) -> dict[str, int]:
    """Return how many images a row was billed for, may have been, and was for nothing."""
    asked = row.params.get("n", 1)
    asked = asked if isinstance(asked, int) else 1
    match row.state:
        case State.UNKNOWN:
            return {"unknown": asked}
        case State.UNUSABLE:
            return {"spent": len(row.outputs), "wasted": asked - len(row.outputs)}
        case State.PARTIAL:
            return {"spent": len(row.outputs), "unknown": max(asked - len(row.outputs), 0)}
        case _:
            return {"spent": len(row.outputs)}

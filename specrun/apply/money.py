"""What the images of a lock came to: spent, perhaps spent, and spent for nothing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from specrun.catalog.models import Catalog
from specrun.model.lock import LockRow, State
from specrun.model.project import Provider
from specrun.model.run import Price
from specrun.store.manifest import Money


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """What images cost today: a project's own prices before those of the models' schemas."""

    providers: Mapping[str, Provider]
    catalog: Catalog
    own: Mapping[str, Price]

    def of(self, row: LockRow) -> Price | None:
        """Return what one image of a locked run costs: nothing on a free provider, None where nobody knows."""
        provider = self.providers.get(row.provider)
        if provider is not None and provider.free:
            return Price(amount=Decimal(0), currency="CNY")
        model = self.catalog.find(row.model)
        return self.own.get(row.model, None if model is None else model.facts.price)


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

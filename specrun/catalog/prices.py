"""What one image costs: the one rule."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from specrun.catalog.models import Catalog
from specrun.catalog.schema import ModelSchema
from specrun.model.lock import LockRow
from specrun.model.project import Provider
from specrun.model.run import Price

# What nothing is told in where no price says it.
_NOWHERE = "CNY"


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """What images cost today; `providers` are by name, `own` the project's prices by model."""

    providers: Mapping[str, Provider]
    catalog: Catalog
    own: Mapping[str, Price]

    def of(self, row: LockRow) -> Price | None:
        """Return what one image of a locked run costs, None where nobody knows."""
        model = self.catalog.find(row.model)
        return image_price(row.model, model, self.providers.get(row.provider), self.own)


def image_price(
    id_: str, model: ModelSchema | None, provider: Provider | None, own: Mapping[str, Price]
) -> Price | None:
    """Return the price of one image, None where nobody knows it.

    The project's own price goes before the schema's, under the model's id or an alias of it. A free provider takes
    nothing, whatever the model costs elsewhere. `model` is None where no schema describes it any more, `provider`
    where no provider is called so any more.
    """
    names = (id_,) if model is None else (model.id, *model.facts.aliases)
    price = next((own[name] for name in names if name in own), None if model is None else model.facts.price)
    if provider is None or not provider.free:
        return price
    return Price(amount=Decimal(0), currency=_NOWHERE if price is None else price.currency)

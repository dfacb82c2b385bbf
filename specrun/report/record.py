"""Values that several JSON views write in one way."""

from typing import Any

from specrun.model.money import Figures, Sum
from specrun.model.run import Price


def price_record(price: Price) -> dict[str, str]:
    """Return an exact amount of money as a JSON object."""
    return {"amount": f"{price.amount:f}", "currency": price.currency}


def figures_record(figures: Figures) -> dict[str, Any]:
    """Return what requests came to as a JSON object: paid for and had, paid for and lost, perhaps paid for."""
    return {
        "spent": _prices(figures.had),
        "wasted": _prices(figures.lost),
        "stake": _prices(figures.perhaps),
        "unpriced": figures.unpriced,
    }


def _prices(total: Sum) -> list[dict[str, str]]:
    return [price_record(price) for price in total.prices]

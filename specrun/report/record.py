"""Values that several JSON views write in one way."""

from specrun.model.run import Price


def price_record(price: Price) -> dict[str, str]:
    """Return an exact amount of money as a JSON object."""
    return {"amount": f"{price.amount:f}", "currency": price.currency}

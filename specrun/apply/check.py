"""What can be known to go wrong before the first request."""

from collections.abc import Iterable

from specrun.apply.delivery import Delivery, DeliveryError
from specrun.apply.results import Failed
from specrun.model.plan import Action, Verb


def in_the_way(actions: Iterable[Action], delivery: Delivery) -> dict[str, Failed]:
    """Return which runs that are asked for, or would be, could not be delivered, and why, by address."""
    found = {}
    for action in actions:
        if action.run is not None and (action.verb.asks or action.verb is Verb.BLOCKED):
            try:
                delivery.check(action.run)
            except DeliveryError as error:
                found[action.address] = Failed(cause=str(error), hint=f"{error.hint}, then apply again")
    return found

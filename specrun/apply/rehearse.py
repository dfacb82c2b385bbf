"""A plan as it is rehearsed: every run made by the sandbox, for nothing."""

from decimal import Decimal

from msgspec.structs import replace

from specrun.model.plan import Action, Plan, Verb, total
from specrun.model.run import Price


def rehearsed(plan: Plan) -> Plan:
    """Return a plan that asks for every run, with its own key and seed, whatever the lock says of it."""
    first: dict[tuple[str | None, int], str] = {}
    actions = []
    for action in plan.actions:
        if action.run is None:
            continue
        free = Price(amount=Decimal(0), currency=action.run.price.currency if action.run.price else "CNY")
        sharing = first.setdefault((action.run.key, action.take), action.address)
        actions.append(
            Action(
                Verb.CREATE,
                action.address,
                "rehearsed on the sandbox",
                replace(action.run, common=replace(action.run.common, price=free)),
                shares=None if sharing == action.address or action.run.key is None else sharing,
                take=action.take,
            )
        )
    return replace(plan, actions=tuple(actions), totals=total(tuple(actions)))

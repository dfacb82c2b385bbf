"""The totals of plans in words: exact money, and what nobody knows said plainly."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from specrun.model.lock import State
from specrun.model.plan import Action, Totals, Verb
from specrun.model.run import Price
from specrun.report import inert
from specrun.report.words import count, money


def verbs(totals: Totals) -> str:
    """Return `24 create, 2 replace, 10 keep`, or `no runs`."""
    return ", ".join(f"{number:,} {verb.value}" for verb, number in totals.actions.items() if number) or "no runs"


def asked(totals: Totals) -> str:
    """Return `26 for 50 images`, or `none`."""
    if not totals.requests:
        return "none"
    return f"{totals.requests:,} for {count(totals.images, 'image')}"


def price(totals: Totals) -> str:
    """Return exact amounts by currency, and how many images have no known price."""
    known = ", ".join(money(cost) for cost in totals.cost if cost.amount)
    if not totals.unpriced:
        return known or ("free" if totals.requests else "nothing")
    unknown = f"{count(totals.unpriced, 'image')} of unknown price"
    return f"{known}, and {unknown}" if known else unknown


def pending(totals: Totals) -> bool:
    """Whether the plan changes anything."""
    return any(number and verb.pending for verb, number in totals.actions.items())


def totals_lines(totals: Totals, actions: Iterable[Action], quotas: Mapping[str, int]) -> Iterator[str]:
    """Return the lines that end every plan; `quotas` are the images that models give free, by model id."""
    yield f"{'Plan' if pending(totals) else 'Nothing to do'}: {verbs(totals)}."
    yield f"Requests: {asked(totals)}."
    yield f"Price: {price(totals)}."
    if totals.actions.get(Verb.HELD) and (at_stake := held_cost(actions)):
        yield f"At stake in held runs: {', '.join(money(cost) for cost in at_stake)}."
    for model, sentence in quota_sentences(totals, quotas):
        yield f"Free quota: {inert.line(model)} {sentence}"


def quota_sentences(totals: Totals, quotas: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Set the images asked of each model against those it gives free; free providers are left out.

    Returns each model with the rest of the sentence that it begins.
    """
    wanted: dict[str, int] = {}
    for each in totals.asked:
        if each.common.price is None or each.common.price.amount:
            wanted[each.common.model] = wanted.get(each.common.model, 0) + each.images
    for model, images in wanted.items():
        if model in quotas:
            free = count(quotas[model], "free image")
            yield model, f"gives an account {free}, the price does not count them; {images:,} asked for."


def added(prices: Iterable[Price]) -> Sequence[Price]:
    """Add up prices by currency."""
    sums: dict[str, Decimal] = {}
    for each in prices:
        sums[each.currency] = sums.get(each.currency, Decimal(0)) + each.amount
    return [Price(amount=sums[currency], currency=currency) for currency in sorted(sums)]


def held_cost(actions: Iterable[Action]) -> Sequence[Price]:
    """Return what the held runs' requests may have cost, by currency; a refusal costs nothing."""
    cost: list[Price] = []
    for action in (action for action in actions if action.verb is Verb.HELD):
        run = action.run
        held = action.origin or action.row
        if run is None or (held is not None and held.state is State.REFUSED):
            continue
        if run.price is not None and run.price.amount:
            cost.append(Price(amount=run.price.amount * run.images, currency=run.price.currency))
    return added(cost)

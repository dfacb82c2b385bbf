"""The totals of plans in words: exact money, and what nobody knows said plainly."""

from collections.abc import Iterable, Iterator, Mapping

from specrun.model.money import Figures, counted, held_paid
from specrun.model.plan import Action, Totals
from specrun.report import inert
from specrun.report.money_text import at_stake
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
    if sentence := held_sentence(actions):
        yield sentence
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


def held_sentence(actions: Iterable[Action]) -> str:
    """Return what is lost, and what may be, in held runs; empty for nothing."""
    told = "; ".join(at_stake(held_figures(actions)))
    return f"At stake in held runs: {told}." if told else ""


def held_figures(actions: Iterable[Action]) -> Figures:
    """Return what the requests of held runs came to, also of those that the spec has let go; each of them once."""
    held = {action.held.request: action.held for action in actions if action.held is not None}
    return counted((held_paid(each.state, each.asked, each.came), each.price) for each in held.values())

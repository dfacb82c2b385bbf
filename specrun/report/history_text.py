"""What a spec's attempts come to, for people at a terminal."""

from collections.abc import Iterator, Sequence

from specrun.model.run import Price
from specrun.report import inert
from specrun.report.columns import columns
from specrun.report.history import Account, History
from specrun.report.ink import PLAIN, Ink, Role
from specrun.report.words import count, money, shorten

_CAUSES = 10
_CAUSE = 100


def as_text(found: Sequence[History], ink: Ink = PLAIN) -> Iterator[str]:
    """Return the lines about each spec."""
    for place, history in enumerate(found):
        if place:
            yield ""
        yield ink(inert.line(history.spec), Role.STRONG)
        if not history.total.requests:
            yield "  no request has been sent for it from this machine"
            continue
        yield ""
        for title, accounts in (("model", history.models), ("job", history.jobs)):
            yield from (f"  {line}" for line in _table(title, accounts))
            yield ""
        if history.causes:
            yield from (f"  {line}" for line in _causes(history.causes))
            yield ""
        yield _total(history.total)


def sums(prices: Sequence[Price]) -> str:
    """Return amounts of money, or `nothing`."""
    return ", ".join(money(price) for price in prices if price.amount) or "nothing"


def seconds(value: float | None) -> str:
    """Return a time as people read it: `0.25 s`, `12 s`, `3 min`."""
    if value is None:
        return "-"
    if value < 10:  # noqa: PLR2004 - below, tenths matter
        return f"{value:.2g} s"
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"  # noqa: PLR2004 - two minutes


def _table(title: str, accounts: Sequence[Account]) -> Iterator[str]:
    rows = [(title, "requests", "images", "spent", "failed", "held", "median", "nine in ten")]
    rows += [
        (
            shorten(inert.line(account.name), 60),
            f"{account.requests:,}",
            f"{account.images:,}",
            sums(account.spent),
            f"{account.failed:,}",
            f"{account.held:,}",
            seconds(account.quantile(0.5)),
            seconds(account.quantile(0.9)),
        )
        for account in accounts
    ]
    return columns(rows)


def _causes(causes: Sequence[tuple[str, int]]) -> Iterator[str]:
    yield "what went wrong"
    for cause, number in causes[:_CAUSES]:
        yield f"  {number:>6,}  {shorten(inert.line(cause), _CAUSE)}"
    if len(causes) > _CAUSES:
        yield f"          and {count(len(causes) - _CAUSES, 'other cause')}"


def _total(total: Account) -> str:
    stake = f"; {sums(total.stake)} at stake" if any(price.amount for price in total.stake) else ""
    unpriced = f" and {count(total.unpriced, 'image')} of unknown price" if total.unpriced else ""
    made = f"{count(total.requests, 'request')}, {count(total.images, 'image')}"
    return f"{made}; spent {sums(total.spent)}{unpriced}{stake}."

"""What a spec's attempts come to, for people at a terminal."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from specrun.report import inert
from specrun.report.columns import columns
from specrun.report.history import Account, History
from specrun.report.ink import PLAIN, Ink, Role
from specrun.report.money_text import amounts, spent
from specrun.report.words import count, shorten

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


def money_columns(accounts: Sequence[Account]) -> Mapping[str, Callable[[Account], str]]:
    """Return the columns that tell money, by their heads; what was lost, or perhaps spent, where there is any."""
    columns: dict[str, Callable[[Account], str]] = {"spent": lambda each: amounts(each.figures.had) or "nothing"}
    if any(each.figures.lost for each in accounts):
        columns["lost"] = lambda each: amounts(each.figures.lost) or "nothing"
    if any(each.figures.perhaps for each in accounts):
        columns["perhaps"] = lambda each: amounts(each.figures.perhaps) or "nothing"
    return columns


def seconds(value: float | None) -> str:
    """Return a time as people read it: `0.25 s`, `12 s`, `3 min`."""
    if value is None:
        return "-"
    if value < 10:  # noqa: PLR2004 - below, tenths matter
        return f"{value:.2g} s"
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"  # noqa: PLR2004 - two minutes


def _table(title: str, accounts: Sequence[Account]) -> Iterator[str]:
    money = money_columns(accounts)
    rows = [(title, "requests", "images", *money, "failed", "held", "median", "nine in ten")]
    rows += [
        (
            shorten(inert.line(account.name), 60),
            f"{account.requests:,}",
            f"{account.images:,}",
            *(column(account) for column in money.values()),
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
    made = f"{count(total.requests, 'request')}, {count(total.images, 'image')}"
    perhaps = amounts(total.figures.perhaps)
    return f"{made}; spent {spent(total.figures)}{f'; {perhaps} may have been spent' if perhaps else ''}."

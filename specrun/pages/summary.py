"""The summary page: what a spec cost, how long it took and what went wrong, in charts and as tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from specrun.pages.charts import BarChart, bar_chart, columns, ranges
from specrun.pages.facts import size
from specrun.pages.html import asset, render, script_of
from specrun.report.history import Account, History
from specrun.report.history_text import money_columns, seconds
from specrun.report.money_text import amounts
from specrun.report.places import without_places
from specrun.report.words import count, money, shorten
from specrun.store.manifest import ManifestOutput

_HOURS_OF = {1: "by the hour", 6: "by six hours", 24: "by the day", 168: "by the week", 672: "by four weeks"}
_CAUSES = 30
_LABEL = 60


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table: its first column is text, the others are numbers."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def summary_page(
    name: str, history: History, images: Sequence[ManifestOutput], root: Path | None = None
) -> Iterator[str]:
    """Return the pieces of the page; `images` are those of the manifest, `root` is the project's folder."""
    periods = history.periods
    total = history.total
    return render(
        "summary.html",
        style=asset("base.css") + asset("summary.css"),
        script=script_of("sheet/dom.js", "sheet/theme.js", "summary.js"),
        title=f"{name}: summary",
        spec=history.spec,
        figures=_figures(total, images),
        bars=tuple(_bars(history)),
        ranges=tuple(ranges(history.models)),
        columns=tuple(columns(periods)),
        step=_HOURS_OF.get(history.hours, "by the year"),
        told=f"{total.requests:,} sent, {total.failed:,} failed, {total.held:,} held",
        most=f"{max((each.made + each.held + each.failed for each in periods), default=0):,}",
        first=f"{periods[0].start:%Y-%m-%d %H:%M} UTC" if periods else "",
        last=f"{periods[-1].start:%Y-%m-%d %H:%M} UTC" if periods else "",
        tables=tuple(_tables(history, root)),
    )


def _figures(total: Account, images: Sequence[ManifestOutput]) -> tuple[tuple[str, str], ...]:
    figures = total.figures
    lost, perhaps = amounts(figures.lost), amounts(figures.perhaps)
    made = (("images", f"{len(images):,}"), ("in all", size(sum(output.bytes for output in images))))
    return (
        *(made if images else ()),
        ("requests", f"{total.requests:,}"),
        ("spent", amounts(figures.had) or "nothing"),
        *((("spent for lost images", lost),) if lost else ()),
        *((("may have been spent", perhaps),) if perhaps else ()),
    )


def _bars(history: History) -> Iterator[BarChart]:
    """Yield what was spent by model and by job, a currency a chart; where all was free, how many images were made."""
    currencies = sorted({price.currency for price in history.total.figures.had.prices})
    for title, accounts in (("model", history.models), ("job", history.jobs)):
        for currency in currencies:
            spent = [
                (_label(account), float(price.amount), money(price))
                for account in accounts
                for price in account.figures.had.prices
                if price.currency == currency
            ]
            yield bar_chart(f"Spent by {title}, {currency}", spent)
        if not currencies and accounts:
            made = [(_label(account), account.images, count(account.images, "image")) for account in accounts]
            yield bar_chart(f"Images by {title}", made)


def _label(account: Account) -> str:
    return shorten(account.name, _LABEL)


def _tables(history: History, root: Path | None) -> Iterator[Table]:
    for title, accounts in (("model", history.models), ("job", history.jobs)):
        if accounts:
            money = money_columns(accounts)
            head = (title, "requests", "images", *money, "failed", "held", "median", "nine in ten")
            yield Table(title=f"By {title}", head=head, rows=tuple(_row(each, money) for each in accounts))
    if history.causes:
        rows = tuple((without_places(cause, root), f"{number:,}") for cause, number in history.causes[:_CAUSES])
        yield Table(title="What went wrong", head=("cause", "how often"), rows=rows)


def _row(account: Account, money: Mapping[str, Callable[[Account], str]]) -> tuple[str, ...]:
    numbers = (account.requests, account.images)
    return (
        account.name,
        *(f"{number:,}" for number in numbers),
        *(column(account) for column in money.values()),
        f"{account.failed:,}",
        f"{account.held:,}",
        seconds(account.quantile(0.5)),
        seconds(account.quantile(0.9)),
    )

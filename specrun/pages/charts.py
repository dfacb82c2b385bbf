"""Numbers as shapes: what charts of a summary are drawn from, in percent of their width or pixels of their height."""

from collections.abc import Iterator, Sequence

import msgspec

from specrun.report.history import Account, Period
from specrun.report.history_text import seconds

_HEIGHT = 150
_GROUND = 170


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A bar that begins at the left; `share` is its length."""

    label: str
    text: str
    share: float


class BarChart(msgspec.Struct, frozen=True, kw_only=True):
    """Bars below each other, the longest first."""

    title: str
    bars: tuple[Bar, ...]


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """A bar from `low`, `width` long, with a tick at `middle`."""

    label: str
    text: str
    low: float
    width: float
    middle: float


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a column: `kind` is what it counts, `top` and `height` are pixels."""

    kind: str
    top: float
    height: float


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of stacked pieces."""

    left: float
    width: float
    text: str
    parts: tuple[Part, ...]


def bar_chart(title: str, values: Sequence[tuple[str, float, str]]) -> BarChart:
    """Return a chart of labels with their values and what is written for them."""
    most = max((value for _, value, _ in values), default=0) or 1
    ordered = sorted(values, key=lambda each: -each[1])
    bars = (Bar(label=label, text=text, share=round(100 * value / most, 2)) for label, value, text in ordered)
    return BarChart(title=title, bars=tuple(bars))


def ranges(accounts: Sequence[Account]) -> Iterator[Range]:
    """Return how long requests took, an account a range: from the fastest tenth to the slowest."""
    longest = max((account.quantile(0.9) or 0 for account in accounts), default=0) or 1
    for account in accounts:
        low, middle, high = (account.quantile(share) for share in (0.1, 0.5, 0.9))
        if low is not None and middle is not None and high is not None:
            yield Range(
                label=account.name,
                text=f"{seconds(low)} to {seconds(high)}, median {seconds(middle)}",
                low=round(100 * low / longest, 2),
                width=round(max(100 * (high - low) / longest, 1), 2),
                middle=round(min(100 * middle / longest, 99.5), 2),
            )


def columns(periods: Sequence[Period]) -> Iterator[Column]:
    """Return how requests ended, a period a column."""
    most = max((period.made + period.held + period.failed for period in periods), default=0) or 1
    each = 100 / max(len(periods), 1)
    for place, period in enumerate(periods):
        counts = {"failed": period.failed, "held": period.held, "made": period.made}
        told = ", ".join(f"{number:,} {kind}" for kind, number in counts.items() if number) or "nothing"
        yield Column(
            left=round(place * each + each * 0.1, 3),
            width=round(each * 0.8, 3),
            text=f"{period.start:%Y-%m-%d %H:%M}: {told}",
            parts=tuple(_stacked(counts, _HEIGHT / most)),
        )


def _stacked(counts: dict[str, int], scale: float) -> Iterator[Part]:
    top = float(_GROUND)
    for kind, number in reversed(counts.items()):
        if number:
            top -= number * scale
            yield Part(kind=kind, top=round(top, 2), height=round(number * scale, 2))

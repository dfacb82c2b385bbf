"""The one classification of money: what was paid for and is had, what was paid for and lost, what perhaps was paid."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from specrun.model.lock import LockRow, State
from specrun.model.run import Price


class Paid(msgspec.Struct, frozen=True, kw_only=True):
    """How many images of one request fall into each class.

    `had` were paid for and are here, `lost` were paid for and are not, `perhaps` may have been paid for. `on_order`
    are those of a job that the service has accepted and not answered yet; no output has it while no wire accepts jobs.
    """

    had: int = 0
    lost: int = 0
    perhaps: int = 0
    on_order: int = 0


NOTHING = Paid()


def answered(asked: int, came: int) -> Paid:
    """Classify a request that was answered with images: all that were asked for are paid, those that came are had."""
    had = min(asked, came)
    return Paid(had=had, lost=asked - had)


def held_paid(state: State, asked: int, came: int) -> Paid:
    """Classify a request by the state that holds its run; a refusal is not billed."""
    match state:
        case State.UNKNOWN:
            return Paid(perhaps=asked)
        case State.PARTIAL | State.UNUSABLE:
            return answered(asked, came)
        case State.REFUSED | State.ORPHAN:
            return NOTHING


def row_paid(row: LockRow) -> Paid:
    """Classify what a locked run stands for; a row without images that nothing holds is only pinned."""
    if row.state not in (None, State.ORPHAN):
        return held_paid(row.state, images_asked(row), len(row.outputs))
    return answered(images_asked(row), len(row.outputs)) if row.outputs else NOTHING


def combined(requests: Iterable[Paid]) -> Paid:
    """Return what several requests came to together."""
    sums = Counter(dict.fromkeys(Paid.__struct_fields__, 0))
    for paid in requests:
        sums["had"] += paid.had
        sums["lost"] += paid.lost
        sums["perhaps"] += paid.perhaps
        sums["on_order"] += paid.on_order
    return Paid(**sums)


def images_asked(row: LockRow) -> int:
    """Return how many images a locked run asks for."""
    asked = row.params.get("n", 1)
    return int(asked) if isinstance(asked, (int, float)) else 1


def row_request(row: LockRow) -> tuple[str, int]:
    """Return what tells a row's request from others: rows that one request serves are paid for once."""
    return row.request_digest or row.key or row.address, row.take


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """Money of one class: exact amounts, one a currency, and how many images have a price that nobody knows."""

    prices: tuple[Price, ...] = ()
    unpriced: int = 0

    def __bool__(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.prices) or bool(self.unpriced)


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What requests came to, by class: the figures that every view tells."""

    had: Sum = Sum()
    lost: Sum = Sum()
    perhaps: Sum = Sum()
    on_order: Sum = Sum()

    def __bool__(self) -> bool:
        """Whether any money was, or may have been, spent."""
        return bool(self.had or self.lost or self.perhaps)

    @property
    def unpriced(self) -> int:
        """How many images of all classes have a price that nobody knows."""
        return self.had.unpriced + self.lost.unpriced + self.perhaps.unpriced


class Counting:
    """Adds up what requests came to."""

    def __init__(self) -> None:
        self._sums: dict[str, dict[str, Decimal]] = {name: {} for name in Paid.__struct_fields__}
        self._unpriced = dict.fromkeys(Paid.__struct_fields__, 0)

    def add(self, paid: Paid, price: Price | None) -> None:
        """Count one request; `price` is that of one image, None where nobody knows it."""
        for name in Paid.__struct_fields__:
            images: int = getattr(paid, name)
            if not images:
                continue
            if price is None:
                self._unpriced[name] += images
            elif price.amount:
                sums = self._sums[name]
                sums[price.currency] = sums.get(price.currency, Decimal(0)) + price.amount * images

    def add_figures(self, figures: Figures) -> None:
        """Count what requests came to that were counted before."""
        for name in Paid.__struct_fields__:
            found: Sum = getattr(figures, name)
            self._unpriced[name] += found.unpriced
            for price in found.prices:
                sums = self._sums[name]
                sums[price.currency] = sums.get(price.currency, Decimal(0)) + price.amount

    def figures(self) -> Figures:
        """Return the sums so far."""
        return Figures(**{name: self._sum(name) for name in Paid.__struct_fields__})

    def _sum(self, name: str) -> Sum:
        sums = self._sums[name]
        prices = tuple(Price(amount=sums[currency], currency=currency) for currency in sorted(sums))
        return Sum(prices=prices, unpriced=self._unpriced[name])


def added(figures: Iterable[Figures]) -> Figures:
    """Add up what requests came to."""
    counting = Counting()
    for each in figures:
        counting.add_figures(each)
    return counting.figures()


def figures_of(paid: Paid, price: Price | None) -> Figures:
    """Return what one request came to."""
    return counted([(paid, price)])


def counted(requests: Iterable[tuple[Paid, Price | None]]) -> Figures:
    """Return what requests came to, each given with the price of one of its images."""
    counting = Counting()
    for paid, price in requests:
        counting.add(paid, price)
    return counting.figures()

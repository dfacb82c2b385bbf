"""What requests came to, in words: the same words wherever money is told."""

from collections.abc import Iterator

from specrun.model.money import Figures, Sum
from specrun.report.words import count, money


def amounts(total: Sum) -> str:
    """Return exact amounts by currency, and how many images have no known price; empty for nothing."""
    known = ", ".join(money(price) for price in total.prices)
    unknown = f"{count(total.unpriced, 'image')} of unknown price" if total.unpriced else ""
    return " and ".join(filter(None, (known, unknown)))


def spent(figures: Figures) -> str:
    """Return what was certainly paid, that for lost images apart: `0.12 EUR`, or `nothing`."""
    had, lost = amounts(figures.had), amounts(figures.lost)
    if not lost:
        return had or "nothing"
    had = f"{had} for images that came, " if had else ""
    return f"{had}{lost} for lost images"


def at_stake(figures: Figures) -> Iterator[str]:
    """Yield what is not had for its money: `0.24 EUR spent for lost images`, and what may have been spent."""
    if lost := amounts(figures.lost):
        yield f"{lost} spent for lost images"
    if perhaps := amounts(figures.perhaps):
        yield f"{perhaps} may have been spent"


def came_to(figures: Figures) -> str:
    """Return all of it as one phrase, empty for nothing."""
    had = amounts(figures.had)
    return "; ".join([f"{had} spent for images that came"] * bool(had) + list(at_stake(figures)))


def money_lines(figures: Figures) -> Iterator[str]:
    """Yield the lines that end an apply."""
    only = figures.perhaps and not (figures.had or figures.lost)
    yield f"Spent: {'nothing for certain' if only else spent(figures)}."
    if perhaps := amounts(figures.perhaps):
        yield f"May have been spent: {perhaps}."

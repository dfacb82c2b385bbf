"""Rows of text set in columns."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len


def columns(rows: Sequence[Sequence[str]], gap: int = 2) -> Iterator[str]:
    """Return one line a row, each column as wide as its widest cell on a terminal; rows are of equal length."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (cell + " " * (width - cell_len(cell) + gap) for cell, width in zip(row, widths, strict=True))
        yield "".join(padded).rstrip()

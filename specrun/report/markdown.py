"""What Markdown comments are built from: blocks that fold, and pictures that are linked, all within a host's limit."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from specrun.report import inert
from specrun.report.words import shorten

# Hosts refuse comments over 65,536 characters; the difference is for what a workflow adds around this one.
LIMIT = 60_000
# Kept back for the line that counts what was left out.
RESERVE = 200
# How long an address may be in a table.
ADDRESS = 120
NO_PICTURES: Mapping[str, str] = MappingProxyType({})
_WIDTH = 160
_ALT = 80


def details(title: str, body: str) -> str:
    """Return a block that is folded under its title, which is HTML."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def size(block: str) -> int:
    """Return the length of a block and the blank line after it, as hosts count it."""
    # They count as JavaScript does, where characters beyond the basic plane are two.
    return len(block.encode("utf-16-le", "surrogatepass")) // 2 + 2


def picture(url: str | None, alt: str) -> str:
    """Return a linked thumbnail, or a dash where there is none."""
    if url is None:
        return "–"  # noqa: RUF001 - a dash for people
    return f'<img src="{inert.markup(url)}" width="{_WIDTH}" alt="{inert.markup(shorten(alt, _ALT))}">'


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], room: int) -> str:
    """Return a table with as many rows as `room` characters hold; cells are Markdown without line breaks or bars."""
    lines = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    left = room - sum(map(size, lines))
    for row in rows:
        line = f"| {' | '.join(row)} |"
        left -= size(line)
        if left < 0:
            break
        lines.append(line)
    return "\n".join(lines)

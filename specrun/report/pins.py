"""Pins that moved, as lines: what moved alike for many runs in one of them."""

from collections.abc import Iterable, Iterator


def pins_lines(moved: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield a line for each way in which pins moved, from addresses (or files) and what moved there."""
    ways: dict[str, list[str]] = {}
    for address, way in moved:
        ways.setdefault(way, []).append(address)
    for way, addresses in ways.items():
        more = f" and {len(addresses) - 1:,} more" if len(addresses) > 1 else ""
        yield f"{addresses[0]}{more}: {way}"

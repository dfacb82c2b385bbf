"""By what the tiles of a page can be laid out, split and filtered: jobs, axes, and parameters that vary."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from specrun.canonical import canonical
from specrun.pages.sheet import Tile, Tone

# More values than these are a text to search in, not a list to choose from.
MOST_VALUES = 40
# What asks for attention comes first.
_TONES = (Tone.WRONG, Tone.WAITING, Tone.CHANGED, Tone.NEW, Tone.GONE, Tone.PLAIN)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DIGITS = re.compile(r"([0-9]+)")


class Facet(msgspec.Struct, frozen=True, kw_only=True):
    """One way to part the tiles: `values` in the order to show them, `places` a value's number a tile, -1 for none."""

    name: str
    values: tuple[str, ...]
    places: tuple[int, ...]
    axis: bool = False


def facets_of(tiles: Sequence[Tile]) -> tuple[Facet, ...]:
    """Return the facets in which tiles differ, a spec's own axes first, jobs before them."""
    axes = list(dict.fromkeys(name for tile in tiles for name, _ in tile.axes))
    found = [
        _facet("job", tiles, lambda tile: tile.job, axis=True),
        *(_facet(name, tiles, _label(name), axis=True) for name in axes),
    ]
    others: dict[str, Callable[[Tile], str | None]] = {
        "model": lambda tile: tile.model or None,
        "provider": lambda tile: tile.provider or None,
        **{name: _param(name) for name in _params(tiles)},
        "image": lambda tile: str(tile.index) if tile.images > 1 else None,
        "status": lambda tile: tile.status.word,
    }
    tones = {tile.status.word: (tile.status.rank, _TONES.index(tile.status.tone)) for tile in tiles}
    for name, value in others.items():
        if name not in axes:
            order = tones.__getitem__ if name == "status" else natural
            found.append(_sorted(_facet(name, tiles, value), order))
    return tuple(facet for facet in found if len(facet.values) > 1 and (facet.axis or len(facet.values) <= MOST_VALUES))


def natural(text: str) -> tuple[tuple[bool, float, str], ...]:
    """Return what sorts texts as people do: numbers by value, and whole numbers within texts too."""
    if _NUMBER.fullmatch(text):
        return ((False, float(text), ""),)
    parts = _DIGITS.split(text)
    return tuple(
        (False, float(part), "") if place % 2 else (True, 0.0, part.casefold())
        for place, part in enumerate(parts)
        if part
    )


def _label(axis: str) -> Callable[[Tile], str | None]:
    return lambda tile: dict(tile.axes).get(axis)


def _param(name: str) -> Callable[[Tile], str | None]:
    def text(tile: Tile) -> str | None:
        for param in tile.params:
            if param.name == name and isinstance(param.value, (str, int, float)):
                return param.value if isinstance(param.value, str) else canonical(param.value)
        return None

    return text


def _params(tiles: Iterable[Tile]) -> list[str]:
    """Return the parameters of which some tile has a value that can be named; the prompt and the seed are searched."""
    return list(
        dict.fromkeys(
            param.name
            for tile in tiles
            for param in tile.params
            if param.name not in {"prompt", "seed"} and isinstance(param.value, (str, int, float))
        )
    )


def _facet(name: str, tiles: Sequence[Tile], value: Callable[[Tile], str | None], *, axis: bool = False) -> Facet:
    numbers: dict[str, int] = {}
    places = tuple(-1 if (text := value(tile)) is None else numbers.setdefault(text, len(numbers)) for tile in tiles)
    return Facet(name=name, values=tuple(numbers), places=places, axis=axis)


def _sorted(facet: Facet, order: Callable[[str], Any]) -> Facet:
    values = sorted(facet.values, key=order)
    places = {facet.values.index(value): place for place, value in enumerate(values)} | {-1: -1}
    return Facet(
        name=facet.name, values=tuple(values), places=tuple(places[place] for place in facet.places), axis=facet.axis
    )

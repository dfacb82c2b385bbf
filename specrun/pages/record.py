"""A sheet as the JSON that its page's script reads."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from specrun.pages.album import Album, small_name
from specrun.pages.facets import facets_of
from specrun.pages.sheet import Picture, Sheet, Tile
from specrun.report.places import without_places

_SQUARE = 1.0
_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")


def sheet_json(
    sheet: Sheet, album: Album, link: Callable[[Picture], str | None], *, bundle: int, folder: str | None
) -> str:
    """Return a sheet as JSON that may stand in an HTML script element: no `<` or `&` is left in it.

    `link` says where the whole image of a picture stands, relative to the page. Thumbnails are files in `folder`,
    or where it is None, stand in the page, `bundle` of them in one element.
    """
    files = None if folder is None else [f"{folder}/{small_name(blob)}" for blob in album.files]
    found = {**_Record(sheet, album, link).whole(), "bundle": bundle, "files": files}
    text = msgspec.json.encode(found).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


class _Record:
    """Turns values into plain objects; what many tiles share stands in a table once."""

    def __init__(self, sheet: Sheet, album: Album, link: Callable[[Picture], str | None]) -> None:
        self._sheet = sheet
        self._album = album
        self._sizes = {blob: album.size(blob) for blob in album.files}
        self._link = link
        self._small = {blob: number for number, blob in enumerate(album.files)}
        self._prompts: dict[str, int] = {}
        self._params: dict[str, tuple[int, Any]] = {}
        self._statuses = list(dict.fromkeys(tile.status for tile in sheet.tiles))

    def whole(self) -> dict[str, Any]:
        facets = facets_of(self._sheet.tiles)
        tiles = [self._tile(tile) for tile in self._sheet.tiles]
        for number, tile in enumerate(tiles):
            tile["at"] = [facet.places[number] for facet in facets]
        return {
            "title": self._sheet.title,
            "noun": self._sheet.noun,
            "split": self._sheet.split,
            "pairs": self._sheet.pairs,
            "ratio": self._ratio(),
            "commands": self._sheet.commands,
            "facets": [{"name": facet.name, "values": facet.values, "axis": facet.axis} for facet in facets],
            "statuses": [{"word": status.word, "tone": status.tone.value} for status in self._statuses],
            "prompts": list(self._prompts),
            "params": [params for _, params in self._params.values()],
            "tiles": tiles,
        }

    def _tile(self, tile: Tile) -> dict[str, Any]:
        params = [[param.name, _text(param.value), param.given] for param in tile.params]
        number, _ = self._params.setdefault(repr(params), (len(self._params), params))
        found = {
            "address": tile.address,
            "axes": tile.axes,
            "index": tile.index if tile.images > 1 else 0,
            "status": self._statuses.index(tile.status),
            "note": tile.note,
            "prompt": self._prompts.setdefault(tile.prompt, len(self._prompts)),
            "model": tile.model,
            "provider": tile.provider,
            "seed": tile.seed,
            "params": number,
            "facts": tile.facts,
            "changes": [[change.field, change.pieces] for change in tile.changes],
            "price": tile.price,
            "image": self._picture(tile.image),
            "before": self._picture(tile.before),
            "inputs": [self._picture(picture) for picture in tile.inputs],
            "distance": tile.distance,
        }
        return {name: value for name, value in found.items() if value not in (None, "", (), [])}

    def _picture(self, picture: Picture | None) -> dict[str, Any] | None:
        if picture is None:
            return None
        width, height = self._sizes.get(picture.blob, (0, 0))
        return {
            "small": self._small.get(picture.blob, -1),
            "missing": without_places(self._album.missing.get(picture.blob, "")),
            "width": width,
            "height": height,
            "caption": picture.caption,
            "drawn": picture.drawn,
            "href": self._link(picture),
        }

    def _ratio(self) -> float:
        """Return the proportion of width to height that most pictures have, within what a tile can be."""
        ratios = (width / height for width, height in self._sizes.values())
        found = Counter(round(min(max(ratio, 1 / 2), 2), 2) for ratio in ratios)
        return found.most_common(1)[0][0] if found else _SQUARE


def _text(value: Any) -> str:
    """Return a parameter as text; of input images, whose digests stand in full among the facts, the beginning."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return _DIGEST.sub(r"\1…", text)

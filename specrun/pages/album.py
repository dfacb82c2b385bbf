"""The small versions of a page's pictures, each made once and kept for the next page."""

import io
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import msgspec
from PIL import Image

from specrun.apart import end_all
from specrun.imaging import ImageError
from specrun.pages.originals import MissingError
from specrun.pages.sheet import Sheet
from specrun.store.thumbnails import Thumbnails

# From so many pictures on, how long their longer sides are in pixels: a page for few may be generous, one for
# thousands must still open. With what a thumbnail of each edge weighs at most (`most_bytes`), a page of 149 holds 5 MB
# of them at the most, one of 399 holds 5 MB, one of 999 holds 8 MB.
_EDGES = ((1_000, 256), (400, 320), (150, 384), (0, 640))
# What an image is made from stands small beside it.
_INPUT_EDGE = 160


class Album(msgspec.Struct, frozen=True, kw_only=True):
    """WebP files by blob, in the order the page shows them, and for the blobs that have none the reason."""

    files: Mapping[str, bytes] = msgspec.field(default_factory=dict)
    missing: Mapping[str, str] = msgspec.field(default_factory=dict)

    def size(self, blob: str) -> tuple[int, int]:
        """Return the width and height of a thumbnail in pixels, in the proportion of its image."""
        with Image.open(io.BytesIO(self.files[blob]), formats=("WEBP",)) as image:
            return image.size


def make_album(
    sheet: Sheet,
    thumbnails: Thumbnails,
    read: Callable[[str], bytes],
    *,
    advance: Callable[[], None] = lambda: None,
) -> Album:
    """Return the thumbnails of all pictures of a sheet; `advance` is called as each is there."""
    blobs = blobs_of(sheet)
    shown = set(_shown(sheet))
    edge = next(edge for most, edge in _EDGES if len(shown) >= most)
    files: dict[str, bytes] = {}
    missing: dict[str, str] = {}

    def small(blob: str) -> bytes | str:
        try:
            return thumbnails.get(blob, edge if blob in shown else _INPUT_EDGE, lambda: read(blob))
        except MissingError as error:
            return str(error)
        except (OSError, ImageError):
            return "its bytes cannot be read as an image"

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        try:
            for blob, found in zip(blobs, pool.map(small, blobs), strict=True):
                if isinstance(found, bytes):
                    files[blob] = found
                else:
                    missing[blob] = found
                advance()
        except BaseException:
            # Whoever interrupts waits for none that has not begun, nor for one that takes long.
            pool.shutdown(wait=False, cancel_futures=True)
            end_all()
            raise
    return Album(files=files, missing=missing)


def blobs_of(sheet: Sheet) -> list[str]:
    """Return the blobs that a sheet shows, each once; those that its images are made from come last."""
    inputs = (picture.blob for tile in sheet.tiles for picture in tile.inputs)
    return list(dict.fromkeys(chain(_shown(sheet), inputs)))


def _shown(sheet: Sheet) -> Iterator[str]:
    pictures = (picture for tile in sheet.tiles for picture in (tile.before, tile.image))
    return (picture.blob for picture in pictures if picture is not None)


def short_name(blob: str) -> str:
    """Return what files for a blob are called beside a page, but for their suffix."""
    return blob.removeprefix("sha256:")[:32]


def small_name(blob: str) -> str:
    """Return the file name of a blob's thumbnail, the same wherever thumbnails stand beside a page."""
    return f"{short_name(blob)}.webp"

"""Small pictures on the terminal, where it can show them."""

import contextlib
import io
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from PIL import Image

from specrun.imaging import ImageError, bounded, shrunk
from specrun.store.contained import read_regular

# A strip of this many pictures, as many lines high, leaves room for what was said above it.
_MOST = 6
_LINES = 10
_HEIGHT = 240  # pixels that the pictures are scaled to, more than most terminals show in so many lines
_GAP = 12


def draw_strip(files: Iterable[Path]) -> None:
    """Draw the first few images beside each other; nothing where standard output is no terminal that can.

    Asks the terminal what it understands: sixels, kitty's protocol, else coloured half blocks.
    """
    if not _is_terminal():
        return
    pictures = list(islice(_opened(files), _MOST))
    if not pictures:
        return
    # Loading the library asks the terminal what it can do.
    from rich.console import Console  # noqa: PLC0415
    from textual_image.renderable import Image as Drawn  # noqa: PLC0415

    console = Console()
    if console.color_system in {"truecolor", "256", "windows"}:
        console.print(Drawn(_strip(pictures), height=_LINES, width="auto"))


def _is_terminal() -> bool:
    quiet = os.environ.get("NO_COLOR") or os.environ.get("TERM") in {None, "", "dumb", "linux"}
    if quiet or not (sys.stdout.isatty() and sys.stdin.isatty()):
        return False
    # A terminal of no size is a program that pretends to be one.
    return 0 not in os.get_terminal_size(sys.stdout.fileno())


def _opened(files: Iterable[Path]) -> Iterator[Image.Image]:
    """Yield the images that can be read, scaled to one height."""
    for path in files:
        with contextlib.suppress(OSError, ImageError):
            pixels = bounded(small_rgb, (read_regular(path),), result=bytes)
            yield Image.frombytes("RGB", (len(pixels) // (3 * _HEIGHT), _HEIGHT), pixels)


def small_rgb(data: bytes) -> bytes:
    """Return an image scaled to the height of the strip, as RGB, in whatever time and memory that takes."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", (_HEIGHT, _HEIGHT))
        width = max(1, round(image.width * _HEIGHT / image.height))
        small = shrunk(image, 8 * _HEIGHT, lambda strip: strip.convert("RGB"))
    return small.resize((min(width, 3 * _HEIGHT), _HEIGHT), Image.Resampling.LANCZOS).tobytes()


def _strip(pictures: Sequence[Image.Image]) -> Image.Image:
    width = sum(picture.width for picture in pictures) + _GAP * (len(pictures) - 1)
    strip = Image.new("RGBA", (width, _HEIGHT))
    left = 0
    for picture in pictures:
        strip.paste(picture, (left, 0))
        left += picture.width + _GAP
    return strip

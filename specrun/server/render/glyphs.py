"""Text from a bitmap font of our own keeping, so that no installed font can change a picture."""

import unicodedata
import zlib
from functools import lru_cache
from importlib.resources import files

from PIL import Image

CELL, LINE = 8, 16
"""Width of a narrow glyph and height of all, in pixels at scale 1."""

_PAGES = 256
# 0 to F, 3 x 5 pixels each, the top row in the high bits.
_DIGITS: tuple[int, ...] = (0x7B6F, 0x2C97, 0x73E7, 0x73CF, 0x5BC9, 0x79CF, 0x79EF, 0x7249, 0x7BEF, 0x7BCF)
_DIGITS += (0x7BED, 0x6BAE, 0x7927, 0x6B6E, 0x79E7, 0x79E4)


def legible(text: str) -> str:
    """Return text on one line, composed, with control characters and runs of white space as single spaces."""
    composed = unicodedata.normalize("NFC", text)
    shown = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp", "Zs") else char for char in composed)
    return " ".join(shown.split())


def columns(text: str) -> int:
    """Return how many cells wide a text is."""
    return sum(_advance(char) for char in text)


def wrap(text: str, width: int, lines: int) -> list[str]:
    """Break text into at most `lines` lines of `width` cells, at spaces where there are any, ending in an ellipsis."""
    broken: list[str] = []
    rest = text
    while rest and len(broken) < lines:
        line = _fitting(rest, width)
        if line != rest and len(broken) == lines - 1:
            return [*broken, shorten(rest, width)]
        if line != rest and " " in line and rest[len(line)] != " ":
            line = line[: line.rindex(" ")]
        broken.append(line.rstrip())
        rest = rest[len(line) :].lstrip()
    return broken


def shorten(text: str, width: int) -> str:
    """Cut text to `width` cells, with an ellipsis where something is missing."""
    return text if columns(text) <= width else _fitting(text, width - 1).rstrip() + "…"


def text_mask(text: str, scale: int) -> Image.Image:
    """Return the mask of one line of text."""
    line = Image.new("1", (max(1, columns(text)) * CELL, LINE))
    at = 0
    for char in text:
        glyph = _glyph(char)
        if _advance(char):
            line.paste(glyph, (at, 0))
        else:
            line.paste(1, (max(0, at - glyph.width), 0), glyph)  # a mark stands on the letter before it
        at += _advance(char) * CELL
    return line.convert("L").resize((line.width * scale, LINE * scale), Image.Resampling.NEAREST)


def _fitting(text: str, width: int) -> str:
    used = 0
    for index, char in enumerate(text):
        used += _advance(char)
        if used > width:
            return text[:index]
    return text


def _advance(char: str) -> int:
    return 0 if unicodedata.combining(char) else _glyph(char).width // CELL


@lru_cache(maxsize=4096)
def _glyph(char: str) -> Image.Image:
    page, number = divmod(ord(char), 256)
    bitmap = _page(page).get(number) if page < _PAGES else None
    if bitmap is None:
        return _code_box(ord(char))
    return Image.frombytes("1", (len(bitmap) * 8 // LINE, LINE), bitmap)


@lru_cache(maxsize=_PAGES)
def _page(number: int) -> dict[int, bytes]:
    """Return the bitmaps of 256 characters; see font/README.md for the file's form."""
    data = _font()
    sizes = [int.from_bytes(data[2 * i : 2 * i + 2], "little") for i in range(_PAGES)]
    if not sizes[number]:
        return {}
    start = 2 * _PAGES + sum(sizes[:number])
    page = zlib.decompress(data[start : start + sizes[number]])
    present, wide = (int.from_bytes(page[at : at + 32], "little") for at in (0, 32))
    bitmaps, at = {}, 64
    for index in range(256):
        if present >> index & 1:
            size = 2 * LINE if wide >> index & 1 else LINE
            bitmaps[index] = page[at : at + size]
            at += size
    return bitmaps


@lru_cache(maxsize=1)
def _font() -> bytes:
    return (files("specrun.server.render") / "font" / "glyphs.bin").read_bytes()


def _code_box(code: int) -> Image.Image:
    """Return a box with a character's number in it, for one that the font does not have."""
    box = Image.new("1", (LINE, LINE), 1)
    box.paste(0, (1, 1, LINE - 1, LINE - 1))
    for index, digit in enumerate(f"{code:06x}"):
        bits = _DIGITS[int(digit, 16)]
        left, top = 3 + index % 3 * 4, 2 + index // 3 * 7
        for pixel in range(15):
            if bits >> (14 - pixel) & 1:
                box.putpixel((left + pixel % 3, top + pixel // 3), 1)
    return box

"""The strip below a picture that says what it is: a sandbox picture, of which request."""

from collections.abc import Sequence
from math import isqrt

import msgspec
from PIL import Image

from specrun.server.render.glyphs import CELL, LINE, columns, legible, shorten, text_mask, wrap

MARK = "SANDBOX"
_PROMPT_LINES = 3
_BESIDE = 34  # cells of text that must fit beside the mark, else it stands above


class Inks(msgspec.Struct, frozen=True, kw_only=True):
    """Palette indexes that the strip is printed with."""

    paper: int
    ink: int
    faint: int
    mark: int
    on_mark: int


class Caption(msgspec.Struct, frozen=True, kw_only=True):
    """What the strip says."""

    model: str
    prompt: str
    facts: tuple[str, ...]
    """Seed and settings, each in a word or two."""


def slug(size: tuple[int, int], caption: Caption, inks: Inks) -> Image.Image:
    """Return the strip for a picture of this width and height: as high as its text needs, at most half the picture."""
    width, height = size
    scale = max(1, isqrt(width * height) // 480)
    strip = _strip(width, scale, _PROMPT_LINES, caption, inks)
    if strip.height > height * 2 // 5:
        strip = _strip(width, 1, 1, caption, inks)
    return strip.crop((0, 0, width, min(strip.height, height // 2)))


def _strip(width: int, scale: int, prompt_lines: int, caption: Caption, inks: Inks) -> Image.Image:
    margin = 6 * scale
    block = len(MARK) * CELL * (scale + 1) + 2 * margin
    room = (width - block - 2 * margin) // (CELL * scale)
    beside = room >= _BESIDE
    text_room = room if beside else max(8, (width - 2 * margin) // (CELL * scale))
    lines = _lines(caption, text_room, prompt_lines)
    pitch = (LINE + 2) * scale
    text_height = len(lines) * pitch + 2 * margin
    mark_height = LINE * (scale + 1) + 2 * margin
    height = max(text_height, mark_height) if beside else text_height + mark_height
    strip = Image.new("L", (width, height), inks.paper)
    _mark(strip, (block if beside else width, height if beside else mark_height), scale, inks)
    left = block + margin if beside else margin
    top = (height - len(lines) * pitch) // 2 if beside else mark_height + margin
    for text, ink in lines:
        strip.paste(inks.ink if ink else inks.faint, (left, top), text_mask(text, scale))
        top += pitch
    return strip


def _lines(caption: Caption, room: int, prompt_lines: int) -> list[tuple[str, bool]]:
    """Return the lines and whether each is in full ink."""
    prompt = wrap(legible(caption.prompt), room, prompt_lines) or ["(no prompt)"]
    model = legible(caption.model)
    if columns(model) > room and "/" in model:
        model = model.partition("/")[2]
    facts = _packed([model, *map(legible, caption.facts)], room)[: min(3, prompt_lines + 1)]
    return [*((line, True) for line in prompt), *((line, False) for line in facts)]


def _packed(facts: Sequence[str], room: int) -> list[str]:
    """Put as many facts on each line as fit, and break none."""
    lines: list[str] = []
    for fact in facts:
        longer = f"{lines[-1]} · {fact}" if lines else fact
        if lines and columns(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(shorten(fact, room))
    return lines


def _mark(strip: Image.Image, size: tuple[int, int], scale: int, inks: Inks) -> None:
    strip.paste(inks.mark, (0, 0, *size))
    mask = text_mask(MARK, scale + 1)
    left, top = (size[0] - mask.width) // 2, (size[1] - mask.height) // 2
    for thickness in range(0, scale + 1, max(1, scale)):
        strip.paste(inks.on_mark, (left + thickness, top), mask)

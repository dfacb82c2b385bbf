"""Whole-number geometry: masks, gradients and noise that come out alike on every processor."""

from collections.abc import Sequence
from functools import lru_cache
from math import isqrt

from PIL import Image

from specrun.server.render.dice import Dice

TURN = 1024
"""Steps in a full turn."""

ONE = 1 << 14
"""What `sine` calls 1."""

FULL = 255
"""The opacity that hides what is beneath."""

SUB = 16
"""Steps in a pixel, where edges are smooth."""


def sine(angle: int) -> int:
    """Return the sine of `angle` steps, times `ONE`, within 0.2 %: Bhaskara's fraction, which needs no floats."""
    half = TURN // 2
    angle %= TURN
    sign, x = (1, angle) if angle < half else (-1, angle - half)
    product = x * (half - x)
    return sign * 16 * product * ONE // (5 * half * half - 4 * product)


def cosine(angle: int) -> int:
    """Return the cosine of `angle` steps, times `ONE`."""
    return sine(angle + TURN // 4)


def ramp(length: int, first: int, last: int) -> bytes:
    """Return `length` tones that go evenly from `first` to `last`."""
    steps = max(1, length - 1)
    return bytes(first + ((last - first) * i * 2 + steps) // (2 * steps) for i in range(length))


def grade(length: int, first: int, last: int) -> bytes:
    """Return `length` tones from `first` to `last` for the rows of a gradient, mixed by turns where two meet."""
    steps = max(1, length - 1)
    return bytes((16 * first + 16 * (last - first) * y // steps + _MIXING[y % 4]) // 16 for y in range(length))


def vertical(width: int, tones: bytes) -> Image.Image:
    """Return a picture whose rows have these tones, top to bottom."""
    return Image.frombytes("L", (1, len(tones)), tones).resize((width, len(tones)), Image.Resampling.NEAREST)


_MIXING = (2, 10, 6, 14)  # sixteenths of a tone, spread over four rows


@lru_cache(maxsize=256)
def disc(radius: int) -> Image.Image:
    """Return the mask of a disc with smooth edges, `radius` in whole pixels, centred in a square of 2 radius + 1."""
    reach = radius * SUB
    rows = []
    for y in range(radius + 1):
        offset = (y * SUB) ** 2
        inside = isqrt(max(0, (reach - SUB) ** 2 - offset)) // SUB if offset <= (reach - SUB) ** 2 else -1
        outside = isqrt(reach**2 - offset) // SUB + 1
        edge = (reach - isqrt(offset + (x * SUB) ** 2) for x in range(inside + 1, outside))
        half = b"\xff" * (inside + 1) + bytes(max(0, min(255, cover * 255 // SUB)) for cover in edge)
        half = half.ljust(radius + 1, b"\0")
        rows.append(half[:0:-1] + half)
    return Image.frombytes("L", (2 * radius + 1, 2 * radius + 1), b"".join((*rows[:0:-1], *rows)))


def paste_disc(image: Image.Image, centre: tuple[int, int], radius: int, tone: int, *, opacity: int = FULL) -> None:
    """Paint a disc; `opacity` up to 255."""
    mask = disc(radius)
    if opacity < FULL:
        mask = mask.point([value * opacity // FULL for value in range(256)])
    image.paste(tone, (centre[0] - radius, centre[1] - radius), mask)


def tone_at(image: Image.Image, x: int, y: int) -> int:
    """Return the tone of one pixel."""
    return image.crop((x, y, x + 1, y + 1)).tobytes()[0]


@lru_cache(maxsize=1)
def _distances() -> Image.Image:
    """Return a 256 x 256 picture of the distance from its centre, 255 at the middle of an edge."""
    quarter = [bytes(min(255, isqrt((2 * x + 1) ** 2 + (2 * y + 1) ** 2)) for x in range(128)) for y in range(128)]
    rows = [row[::-1] + row for row in quarter]
    return Image.frombytes("L", (256, 256), b"".join((*reversed(rows), *rows)))


def glow(radius: int, strength: int) -> Image.Image:
    """Return a mask, 2 radius square, that fades from `strength` in the centre to 0 at the edge."""
    fade = [strength * (255 - d) * (255 - d) // (255 * 255) for d in range(256)]
    return _distances().resize((2 * radius, 2 * radius), Image.Resampling.BILINEAR).point(fade)


def noise(size: tuple[int, int], cell: int, dice: Dice) -> Image.Image:
    """Return an I image of smooth heights, about 0 to 65535: hills `cell` pixels apart with finer ones on them.

    `cell` is a power of two, at least 4: so the weights of the interpolation are exact, and alike everywhere.
    """
    columns, rows, step = size[0] // cell + 5, size[1] // cell + 5, cell // 4
    broad = _heights(columns, rows, dice.bytes(2 * columns * rows))
    fine = (4 * (columns - 2), 4 * (rows - 2))
    points = broad.resize(fine, Image.Resampling.BICUBIC, (1, 1, columns - 1, rows - 1)).convert("I;16").tobytes()
    rough = dice.bytes(len(points))
    mixed = ((7 * _short(points, at) + _short(rough, at)) // 8 for at in range(0, len(points), 2))
    heights = _heights(*fine, b"".join(height.to_bytes(2, "little") for height in mixed))
    return heights.resize(size, Image.Resampling.BICUBIC, (4, 4, 4 + size[0] / step, 4 + size[1] / step))


def _heights(columns: int, rows: int, values: bytes) -> Image.Image:
    return Image.frombytes("I;16", (columns, rows), values).convert("I")


def _short(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8


def ridge(length: int, cell: int, octaves: int, dice: Dice) -> list[int]:
    """Return a fractal line of `length` points, each from 0 to 65535; its largest features are `cell` long."""
    line = [0] * length
    weight = 32768
    for _ in range(octaves):
        points = [int.from_bytes(dice.bytes(2), "big") for _ in range(length // cell + 3)]
        for i in range(length):
            at, within = divmod(i, cell)
            ease = within * within * (3 * cell - 2 * within)
            line[i] += (points[at] * (cell**3 - ease) + points[at + 1] * ease) // cell**3 * weight >> 16
        cell, weight = max(2, cell // 2), weight // 2
    return line


def spread(values: Sequence[int], low: int, high: int) -> list[int]:
    """Stretch values so that they reach from `low` to `high`."""
    least, most = min(values), max(values)
    width = max(1, most - least)
    return [low + (value - least) * (high - low) // width for value in values]

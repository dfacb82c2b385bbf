"""Input images, pasted into the picture as small prints in their own colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from operator import itemgetter

from PIL import Image

from specrun.server.render.dice import Dice
from specrun.server.render.png import Colour

COLOURS = 60
"""How many colours all prints of a picture have together."""


def print_area(strength: float | None, count: int) -> int:
    """Return the percentage of the picture that its inputs cover: much at strength 0, little at 1."""
    if strength is None:
        return min(66, 30 + 6 * count)
    return 62 - round(46 * max(0.0, min(1.0, strength)))


def common_colours(images: Sequence[Image.Image]) -> list[Colour]:
    """Return up to `COLOURS` colours that serve all images: boxes in RGB, the longest halved at its median."""
    pixels: list[Colour] = []
    for image in images:
        small = image.resize((40, 40), Image.Resampling.BOX).tobytes()
        pixels.extend(zip(small[::3], small[1::3], small[2::3], strict=True))
    boxes = [_Box.of(pixels)]
    while len(boxes) < COLOURS and (longest := max(boxes, key=_weight)).extent:
        boxes.remove(longest)
        boxes += longest.halves()
    return [_mean(box.pixels) for box in boxes]


def paste_prints(
    picture: Image.Image, images: Sequence[Image.Image], colours: Sequence[Colour], first: int, paper: int,
    area: int, dice: Dice,
) -> None:  # fmt: skip
    """Paste images as framed prints that cover `area` percent of the picture; their colours begin at `first`."""
    columns = isqrt(len(images) - 1) + 1
    rows = -(-len(images) // columns)
    side = isqrt(picture.width * picture.height * area // 100)
    wide = min(picture.width * 92 // 100, side * picture.width // isqrt(picture.width * picture.height))
    high = min(picture.height * 92 // 100, side * picture.height // isqrt(picture.width * picture.height))
    left = (picture.width - wide) * dice.pick((12, 50, 88)) // 100
    top = (picture.height - high) * dice.pick((15, 50, 80)) // 100
    for index, image in enumerate(images):
        cell = (wide // columns, high // rows)
        corner = (left + index % columns * cell[0], top + index // columns * cell[1])
        _paste_print(picture, image, colours, first, paper, corner, cell)


def _paste_print(
    picture: Image.Image, image: Image.Image, colours: Sequence[Colour], first: int, paper: int,
    corner: tuple[int, int], cell: tuple[int, int],
) -> None:  # fmt: skip
    frame = max(2, min(picture.size) // 100)
    room = (max(4, cell[0] - 4 * frame), max(4, cell[1] - 4 * frame))
    scale = min(room[0] * 65536 // image.width, room[1] * 65536 // image.height)
    size = (max(4, image.width * scale >> 16), max(4, image.height * scale >> 16))
    x, y = corner[0] + (cell[0] - size[0]) // 2, corner[1] + (cell[1] - size[1]) // 2
    shadow = (x - frame + frame, y - frame + frame, x + size[0] + 2 * frame, y + size[1] + 2 * frame)
    picture.paste(2, shadow)
    picture.paste(paper, (x - frame, y - frame, x + size[0] + frame, y + size[1] + frame))
    picture.paste(_indexed(image.resize(size, Image.Resampling.BOX), colours, first), (x, y))


def _indexed(image: Image.Image, colours: Sequence[Colour], first: int) -> Image.Image:
    """Return an image as the numbers of its nearest colours, counted from `first`."""
    palette = Image.new("P", (1, 1))
    # All 256 places are filled, with the last colour again, lest an unused black be nearest.
    padded = [*colours, *[colours[-1]] * (256 - len(colours))]
    palette.putpalette([channel for colour in padded for channel in colour])
    chosen = image.quantize(palette=palette, dither=Image.Dither.NONE)
    return Image.frombytes("L", image.size, chosen.tobytes()).point(
        [first + min(index, len(colours) - 1) for index in range(256)]
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Box:
    """Some pixels, and the channel in which they differ most."""

    pixels: list[Colour]
    channel: int
    extent: int

    @classmethod
    def of(cls, pixels: list[Colour]) -> "_Box":
        extents = [max(channel) - min(channel) for channel in zip(*pixels, strict=True)]
        return cls(pixels, extents.index(max(extents)), max(extents))

    def halves(self) -> "list[_Box]":
        ordered = sorted(self.pixels, key=itemgetter(self.channel))
        middle = len(ordered) // 2
        return [_Box.of(ordered[:middle]), _Box.of(ordered[middle:])]


def _weight(box: _Box) -> int:
    return box.extent * isqrt(len(box.pixels))


def _mean(box: Sequence[Colour]) -> Colour:
    red, green, blue = (sum(pixel[c] for pixel in box) // len(box) for c in range(3))
    return red, green, blue

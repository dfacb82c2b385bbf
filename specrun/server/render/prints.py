"""Input images, pasted into the picture as small prints in their own colours."""

from collections.abc import Sequence
from math import isqrt
from operator import itemgetter

import msgspec
from PIL import Image

from specrun.server.render.dice import Dice
from specrun.server.render.png import Colour

COLOURS = 60
"""How many colours all prints of a picture have together."""

_SHADOW = 2  # a tone


class Prints(msgspec.Struct, frozen=True, kw_only=True):
    """Images and the colours that serve them all, which stand in the picture's palette from index `first`."""

    images: tuple[Image.Image, ...]
    colours: list[Colour]
    first: int

    @classmethod
    def of(cls, images: tuple[Image.Image, ...], first: int) -> "Prints":
        """Choose the colours: boxes in RGB, the one that matters most halved at its median, again and again."""
        pixels: list[Colour] = []
        for image in images:
            small = image.resize((40, 40), Image.Resampling.BOX).tobytes()
            pixels.extend(zip(small[::3], small[1::3], small[2::3], strict=True))
        boxes = [_Box.of(pixels)] if pixels else []
        while boxes and len(boxes) < COLOURS and (longest := max(boxes, key=_weight)).extent:
            boxes.remove(longest)
            boxes += longest.halves()
        return cls(images=images, colours=[_mean(box.pixels) for box in boxes], first=first)

    def paste(self, picture: Image.Image, *, paper: int, strength: float | None, dice: Dice) -> None:
        """Paste all images on a grid somewhere, framed with `paper`; `strength` (0 to 1) makes them small."""
        if not self.images:
            return
        columns = isqrt(len(self.images) - 1) + 1
        rows = -(-len(self.images) // columns)
        area = _area(strength, len(self.images))
        wide, high = (min(92, isqrt(100 * area)) * side // 100 for side in picture.size)
        left = (picture.width - wide) * dice.pick((12, 50, 88)) // 100
        top = (picture.height - high) * dice.pick((15, 50, 80)) // 100
        cell = (wide // columns, high // rows)
        for index, image in enumerate(self.images):
            corner = (left + index % columns * cell[0], top + index // columns * cell[1])
            self._paste_one(picture, image, corner, cell, paper)

    def _paste_one(
        self, picture: Image.Image, image: Image.Image, corner: tuple[int, int], cell: tuple[int, int], paper: int
    ) -> None:
        frame = max(2, min(picture.size) // 100)
        room = (max(4, cell[0] - 4 * frame), max(4, cell[1] - 4 * frame))
        scale = min(room[0] * 65536 // image.width, room[1] * 65536 // image.height)
        width, height = (max(4, side * scale >> 16) for side in image.size)
        x, y = corner[0] + (cell[0] - width) // 2, corner[1] + (cell[1] - height) // 2
        picture.paste(_SHADOW, (x, y, x + width + 2 * frame, y + height + 2 * frame))
        picture.paste(paper, (x - frame, y - frame, x + width + frame, y + height + frame))
        picture.paste(self._indexed(image.resize((width, height), Image.Resampling.BOX)), (x, y))

    def _indexed(self, image: Image.Image) -> Image.Image:
        """Return an image as the palette's numbers of its nearest colours."""
        palette = Image.new("P", (1, 1))
        last = len(self.colours) - 1
        # All 256 places are filled, with the last colour again, lest an unused black be nearest.
        padded = [self.colours[min(index, last)] for index in range(256)]
        palette.putpalette([channel for colour in padded for channel in colour])
        nearest = image.quantize(palette=palette, dither=Image.Dither.NONE).tobytes()
        numbers = [self.first + min(index, last) for index in range(256)]
        return Image.frombytes("L", image.size, nearest).point(numbers)


def _area(strength: float | None, count: int) -> int:
    """Return the percentage of the picture that its inputs cover: much at strength 0, little at 1."""
    if strength is None:
        return min(66, 30 + 6 * count)
    return 62 - round(46 * max(0.0, min(1.0, strength)))


class _Box(msgspec.Struct, frozen=True, eq=False):
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

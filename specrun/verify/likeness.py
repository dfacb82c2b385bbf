"""How alike two images are: by their bytes, their coded picture, their pixels, and to the eye."""

import functools
import io
import math
from enum import Enum
from typing import Final

import msgspec
from PIL import Image, ImageChops, ImageCms, ImageSequence, ImageStat

from specrun.imaging import decode_image
from specrun.provenance.embed import same_picture

# The root mean square of CIE76 colour differences. About 2.3 is the least that an eye tells side by side; noise of
# other hardware on the same seed stays below 5, another seed is far above.
NEAR: Final = 5.0


class Likeness(Enum):
    """How alike, the most alike first."""

    IDENTICAL = "identical"  # byte for byte
    SAME_PICTURE = "same picture"  # only metadata differs
    SAME_PIXELS = "same pixels"  # coded otherwise, decodes to the same
    NEAR = "near"
    DIFFERENT = "different"


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two images compared: `distance` in units of CIE76 (0 where the pixels are the same), None for unequal sizes.

    `pixels` counts those that differ, over all frames.
    """

    likeness: Likeness
    distance: float | None = 0.0
    pixels: int = 0


def compare(one: bytes, other: bytes, near: float = NEAR) -> Comparison:
    """Compare two images; raises `ImageError` where either is broken."""
    decode_image(one)
    decode_image(other)
    if one == other:
        return Comparison(likeness=Likeness.IDENTICAL)
    if same_picture(one, other):
        return Comparison(likeness=Likeness.SAME_PICTURE)
    frames, others = _frames(one), _frames(other)
    if [frame.size for frame in frames] != [frame.size for frame in others]:
        return Comparison(likeness=Likeness.DIFFERENT, distance=None)
    pairs = list(zip(frames, others, strict=True))
    pixels = sum(_differing(*pair) for pair in pairs)
    if not pixels:
        return Comparison(likeness=Likeness.SAME_PIXELS)
    distance = max(colour_distance(*pair) for pair in pairs)
    return Comparison(
        likeness=Likeness.NEAR if distance <= near else Likeness.DIFFERENT, distance=distance, pixels=pixels
    )


def difference(found: Comparison) -> str:
    """Say what became of an image that should be as another."""
    match found.likeness:
        case Likeness.IDENTICAL:
            return "it is the same, byte for byte"
        case Likeness.SAME_PICTURE:
            return "its metadata was changed; the picture is as received"
        case Likeness.SAME_PIXELS:
            return "it was encoded anew; every pixel is as received"
        case Likeness.NEAR | Likeness.DIFFERENT:
            if found.distance is None:
                return "it has another size, or another number of frames"
            pixels = "1 pixel differs" if found.pixels == 1 else f"{found.pixels:,} pixels differ"
            return f"{pixels}, by {found.distance:.2f} in the root mean square (CIE76)"


def _frames(data: bytes) -> list[Image.Image]:
    with Image.open(io.BytesIO(data)) as image:
        return [frame.copy() for frame in ImageSequence.Iterator(image)]


def _differing(one: Image.Image, other: Image.Image) -> int:
    """Return how many pixels differ."""
    if one.mode == other.mode and one.mode.startswith("I"):
        # Deep greyscale; Pillow would cut it to eight bits.
        depth = 2 if one.mode.startswith("I;16") else 4
        first, second = one.tobytes(), other.tobytes()
        return sum(first[at : at + depth] != second[at : at + depth] for at in range(0, len(first), depth))
    bands = ImageChops.difference(one.convert("RGBA"), other.convert("RGBA")).split()
    worst = functools.reduce(ImageChops.lighter, bands)
    return one.width * one.height - worst.histogram()[0]


def colour_distance(one: Image.Image, other: Image.Image) -> float:
    """Return the root mean square of CIE76 differences of two images of one size; from black to white it is 100."""
    difference = ImageChops.difference(_lab(one), _lab(other))
    # Pillow holds L* as 0 to 255 for 0 to 100, and a* and b* in units.
    lightness, *colours = ImageStat.Stat(difference).sum2
    squares = lightness * (100 / 255) ** 2 + sum(colours)
    return math.sqrt(squares / (one.width * one.height))


def _lab(image: Image.Image) -> Image.Image:
    """Return an image as L*a*b*, what is transparent shown on mid-grey."""
    seen = Image.new("RGBA", image.size, (128, 128, 128, 255))
    seen.alpha_composite(_eight_bits(image).convert("RGBA"))
    return _TO_LAB.apply(seen.convert("RGB"))


def _eight_bits(image: Image.Image) -> Image.Image:
    return image.point(lambda value: value / 256, "L") if image.mode.startswith("I;16") else image


_TO_LAB = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")

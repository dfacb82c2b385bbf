"""How alike two images are: by their bytes, their coded picture, their pixels, and to the eye."""

import functools
import io
import math
import tempfile
from collections.abc import Iterator
from enum import Enum
from typing import IO, Final

import msgspec
from PIL import Image, ImageChops, ImageCms, ImageSequence, ImageStat

from specrun.imaging import bounded, decode_image
from specrun.provenance.embed import same_picture

# The root mean square of CIE76 colour differences. About 2.3 is the least that an eye tells side by side; noise of
# other hardware on the same seed stays below 5, another seed is far above.
NEAR: Final = 5.0
# Pixels that are compared at once, and bytes of them that are kept without a file.
_STRIP: Final = 1 << 20
_IN_MEMORY: Final = 1 << 26


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
    return bounded(compare_pixels, (one, other), near, result=Comparison)


def compare_pixels(one: bytes, other: bytes, near: float) -> Comparison:
    """Compare what two images show, in whatever time that takes; only one of them is in memory at once."""
    pixels, distance = 0, 0.0
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as kept:
        frames = [_keep(frame, kept) for frame in _frames(one)]
        kept.seek(0)
        unmet = list(frames)
        for frame in _frames(other):
            if not unmet or unmet[0].size != frame.size:
                return Comparison(likeness=Likeness.DIFFERENT, distance=None)
            squares = 0.0
            for mine, theirs in zip(_kept(unmet.pop(0), kept), _strips(frame), strict=True):
                pixels += (differing := _differing(mine, theirs))
                squares += _squares(mine, theirs) if differing else 0.0
            distance = max(distance, math.sqrt(squares / (frame.width * frame.height)))
    if unmet:
        return Comparison(likeness=Likeness.DIFFERENT, distance=None)
    if not pixels:
        return Comparison(likeness=Likeness.SAME_PIXELS)
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


class _Kept(msgspec.Struct, frozen=True):
    """A frame whose pixels stand in a file, strip by strip."""

    mode: str
    size: tuple[int, int]


def _frames(data: bytes) -> Iterator[Image.Image]:
    with Image.open(io.BytesIO(data)) as image:
        yield from ImageSequence.Iterator(image)


def _strips(frame: Image.Image) -> Iterator[Image.Image]:
    """Yield a frame in strips of its whole width, in RGBA unless it is deep greyscale, which Pillow would cut."""
    for top, bottom in _cuts(frame.size):
        strip = frame.crop((0, top, frame.width, bottom))
        yield strip if strip.mode.startswith("I") else strip.convert("RGBA")


def _cuts(size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    height = max(1, _STRIP // size[0])
    return ((top, min(top + height, size[1])) for top in range(0, size[1], height))


def _keep(frame: Image.Image, file: IO[bytes]) -> _Kept:
    mode = "RGBA"
    for strip in _strips(frame):
        mode = strip.mode
        file.write(strip.tobytes())
    return _Kept(mode, frame.size)


def _kept(kept: _Kept, file: IO[bytes]) -> Iterator[Image.Image]:
    depth = len(Image.new(kept.mode, (1, 1)).tobytes())
    for top, bottom in _cuts(kept.size):
        size = (kept.size[0], bottom - top)
        yield Image.frombytes(kept.mode, size, file.read(size[0] * size[1] * depth))


def _differing(one: Image.Image, other: Image.Image) -> int:
    """Return how many pixels differ."""
    if one.mode == other.mode != "RGBA":
        depth = 2 if one.mode.startswith("I;16") else 4
        first, second = one.tobytes(), other.tobytes()
        return sum(first[at : at + depth] != second[at : at + depth] for at in range(0, len(first), depth))
    bands = ImageChops.difference(_eight_bits(one).convert("RGBA"), _eight_bits(other).convert("RGBA")).split()
    worst = functools.reduce(ImageChops.lighter, bands)
    return one.width * one.height - worst.histogram()[0]


def colour_distance(one: Image.Image, other: Image.Image) -> float:
    """Return the root mean square of CIE76 differences of two images of one size; from black to white it is 100."""
    return math.sqrt(_squares(one, other) / (one.width * one.height))


def _squares(one: Image.Image, other: Image.Image) -> float:
    """Return the sum of the squares of the CIE76 differences."""
    difference = ImageChops.difference(_lab(one), _lab(other))
    # Pillow holds L* as 0 to 255 for 0 to 100, and a* and b* in units.
    lightness, *colours = ImageStat.Stat(difference).sum2
    return float(lightness * (100 / 255) ** 2 + sum(colours))


def _lab(image: Image.Image) -> Image.Image:
    """Return an image as L*a*b*, what is transparent shown on mid-grey."""
    seen = Image.new("RGBA", image.size, (128, 128, 128, 255))
    seen.alpha_composite(_eight_bits(image).convert("RGBA"))
    return _TO_LAB.apply(seen.convert("RGB"))


def _eight_bits(image: Image.Image) -> Image.Image:
    return image.point(lambda value: value / 256, "L") if image.mode.startswith("I;16") else image


_TO_LAB = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")

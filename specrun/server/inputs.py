"""Input images of a request: data URLs, bare base64 or https URLs become decoded pictures."""

import base64
import binascii
import io
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image, ImageOps

from specrun.catalog.schema import ModelSchema
from specrun.imaging import ImageError, bounded, decode_image, shrunk
from specrun.server.errors import ApiError

LARGEST_SIDE = 2048
"""Pixels of the longer side that engines get to see; larger images are scaled down first."""

_LARGEST_AREA = 8 * LARGEST_SIDE**2  # of all input images of a request

_HEAD = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_URL_SAFE = str.maketrans("-_", "+/")


def given_images(model: ModelSchema, body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the place and the text of each input image, by parameter name."""
    for name in sorted(model.inputs):
        value = body.get(name)
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, list):
            yield from ((f"{name}[{index}]", item) for index, item in enumerate(value) if isinstance(item, str))


def is_url(text: str) -> bool:
    """Whether an input image is given by its address."""
    return text[:8].lower().startswith(("http://", "https://"))


def decode_text(text: str, place: str) -> bytes:
    """Return the bytes of a data URL or of base64, in either alphabet, with or without padding and line breaks."""
    head = _HEAD.match(text)
    if head is None and text[:5].lower() == "data:":
        raise ApiError(f"{place} is a data URL that is not base64; write data:image/png;base64,…")
    letters = "".join(text[head.end() if head else 0 :].split()).rstrip("=").translate(_URL_SAFE)
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ApiError(f"{place} is neither an https URL nor base64 data") from None


def largest_side(images: int) -> int:
    """Return how long each of so many images may be, that all of them together stay within some 100 MB."""
    return min(LARGEST_SIDE, math.isqrt(_LARGEST_AREA // max(1, images)))


def decode_input(data: bytes, place: str, side: int = LARGEST_SIDE) -> Image.Image:
    """Return an image in RGB, the right way up, on white where it is transparent, at most `side` long."""
    try:
        decode_image(data)
        width, pixels = bounded(opened_input, (data,), side, result=tuple[int, bytes])
    except ImageError as error:
        raise ApiError(f"{place} {error}") from None
    return Image.frombytes("RGB", (width, len(pixels) // (3 * width)), pixels)


def opened_input(data: bytes, side: int) -> tuple[int, bytes]:
    """Return the width and the RGB pixels of such an image, made in whatever time and memory that takes."""
    with Image.open(io.BytesIO(data)) as opened:
        image = ImageOps.exif_transpose(shrunk(opened, side, lambda strip: _opaque(_eight_bits(strip))))
    factor = -(-max(image.size) // side)
    small = image.reduce(factor) if factor > 1 else image
    return small.width, small.tobytes()


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit greys, which Pillow would cut off at 255."""
    return image.convert("I").point(lambda tone: tone * (1 / 256)).convert("L") if image.mode[0] == "I" else image


def _opaque(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    opaque = Image.new("RGB", layer.size, (255, 255, 255))
    opaque.paste(layer, mask=layer.getchannel("A"))
    return opaque

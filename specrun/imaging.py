"""Images as bytes: decoded whole before anyone believes them, named by what they are, not by their names."""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass, field
from typing import Final

# Importing a plugin registers its format.
from PIL import AvifImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from specrun.canonical import digest
from specrun.media_type import media_type

# Enough for 8192 x 8192, or for an animation of as many pixels; decoded, that is 256 MiB.
MOST_PIXELS: Final = 1 << 26

# By media type: Pillow's name of the format, and the file name's extension.
_KINDS: Final = {
    "image/png": (PngImagePlugin.PngImageFile.format, "png"),
    "image/jpeg": (JpegImagePlugin.JpegImageFile.format, "jpg"),
    "image/webp": (WebPImagePlugin.WebPImageFile.format, "webp"),
    "image/gif": (GifImagePlugin.GifImageFile.format, "gif"),
    "image/avif": (AvifImagePlugin.AvifImageFile.format, "avif"),
}

# What Pillow raises for bytes that were damaged at random.
_BROKEN: Final = (
    OSError,
    SyntaxError,
    ValueError,
    RuntimeError,
    LookupError,
    TypeError,
    EOFError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
)

# Above its own limit Pillow only warns; here that is the end of it.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


class ImageError(Exception):
    """Bytes that are no image, or not a whole one; the message says what is wrong and takes "it" before it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DecodedImage:
    """An image whose every pixel was decoded once; `digest` is `sha256:…` of `data`, `extension` has no dot."""

    data: bytes = field(repr=False)
    digest: str
    media_type: str
    extension: str
    width: int
    height: int


def decode_image(data: bytes) -> DecodedImage:
    """Decode all of an image; raises `ImageError` for anything but a whole PNG, JPEG, WebP, GIF or AVIF.

    Takes processor time, mostly without holding the interpreter: call it in a thread from asyncio.
    """
    kind = media_type(data)
    if kind is None:
        raise ImageError("is not a PNG, JPEG, WebP, GIF or AVIF image" if data else "is empty")
    plugin, extension = _KINDS[kind]
    try:
        width, height = _decode(data, plugin)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"has more than {MOST_PIXELS:,} pixels") from error
    except _BROKEN as error:
        raise ImageError(f"starts like {kind}, but is broken or incomplete") from error
    return DecodedImage(
        data=data, digest=digest(data), media_type=kind, extension=extension, width=width, height=height
    )


def _decode(data: bytes, plugin: str | None) -> tuple[int, int]:
    """Return width and height, once the checksums were verified and every frame decoded."""
    formats = (plugin,) if plugin else ()
    with Image.open(io.BytesIO(data), formats=formats) as image:
        # Loading a PNG does not look at the checksums of its pixels, and verifying does not look at the pixels.
        image.verify()
    with Image.open(io.BytesIO(data), formats=formats) as image:
        size = image.size
        pixels = 0
        for frame in range(getattr(image, "n_frames", 1)):
            image.seek(frame)
            pixels += image.width * image.height
            if pixels > MOST_PIXELS:
                raise Image.DecompressionBombError
            image.load()
    return size

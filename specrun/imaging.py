"""Images as bytes: decoded whole before anyone believes them, named by what they are, not by their names."""

import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

# Importing a plugin registers its format.
from PIL import AvifImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from specrun.apart import MOST_MEMORY, ApartError, EndedError, apart
from specrun.canonical import digest
from specrun.image_structure import has_many_scans, still_pixels
from specrun.media_type import media_type

R = TypeVar("R")

# Enough for 8192 x 8192, or for an animation of as many pixels; decoded, that is 256 MiB.
MOST_PIXELS: Final = 1 << 26
# What JPEG can say. Decoders keep something for every row, so that 67 million of them cost as much as their pixels.
LONGEST_SIDE: Final = 65_535
# Up to 4096 x 4096 a still image takes about a second and 64 MiB, for which no process need be started.
_LIGHT: Final = 1 << 24
# Pixels that are worked on at once where there are many.
_STRIP: Final = 1 << 20
# A file of so few bytes holds no more than some thousand frames; of so few pixels each, all of them take about as long.
_SMALL_FILE: Final = 1 << 18
_SMALL_PICTURE: Final = 1 << 20

# By media type: Pillow's name of the format, and the file name's extension.
_KINDS: Final = {
    "image/png": (PngImagePlugin.PngImageFile.format, "png"),
    "image/jpeg": (JpegImagePlugin.JpegImageFile.format, "jpg"),
    "image/webp": (WebPImagePlugin.WebPImageFile.format, "webp"),
    "image/gif": (GifImagePlugin.GifImageFile.format, "gif"),
    "image/avif": (AvifImagePlugin.AvifImageFile.format, "avif"),
}

# Above its own limit Pillow only warns; here that is the end of it.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


class ImageError(ApartError):
    """Bytes that are no image, or not a whole one; the message says what is wrong and takes "it" before it."""


class UndecodedError(ImageError):
    """Bytes that may be an image: decoding them was interrupted."""


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
    width, height = bounded(decoded_size, (data,), result=tuple[int, int])
    return DecodedImage(
        data=data, digest=digest(data), media_type=kind, extension=_KINDS[kind][1], width=width, height=height
    )


def is_heavy(data: bytes) -> bool:
    """Whether decoding an image may take long or much memory: all but still ones of usual size, and small files.

    Such are decoded in a process that can be ended, which takes a tenth of a second to start.
    """
    kind = media_type(data) or ""
    pixels = still_pixels(data, kind)
    if pixels is not None:
        return pixels > _LIGHT
    return len(data) > _SMALL_FILE or has_many_scans(data, kind) or _canvas(data, kind) > _SMALL_PICTURE


def _canvas(data: bytes, kind: str) -> int:
    """Return the pixels of a frame, as far as the header says; 0 for what cannot be opened."""
    try:
        with Image.open(io.BytesIO(data), formats=_formats(kind)) as image:
            return int(image.width * image.height)
    except Exception:  # noqa: BLE001 (what is wrong with it is told by who decodes it)
        return 0


def bounded(work: Callable[..., R], images: Sequence[bytes], *arguments: Any, result: type[R]) -> R:
    """Return what a module's function makes of images and plain arguments, in bounded time and memory.

    It is called here where all images are light, else in a process of its own; `result` is the type it returns.
    Raises `ImageError` for whatever it raises, and where time or memory do not suffice.
    """
    try:
        if any(map(is_heavy, images)):
            return apart(work, images, *arguments, result=result)
        return work(*images, *arguments)
    except ImageError:
        raise
    except EndedError as error:
        raise UndecodedError(str(error)) from None
    except ApartError as error:
        raise ImageError(str(error)) from None
    except Exception as error:
        # Pillow's decoders raise whatever damaged bytes make them stumble over.
        raise ImageError("cannot be decoded") from error


def shrunk(image: Image.Image, most: int, prepare: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Return an image made ready by `prepare`, a large one with no fewer than `most` pixels at its longer side.

    That is taken strip by strip, as several copies of it are more than memory may hold; its metadata stay.
    """
    factor = max(image.size) // most
    if factor < 2 or image.width * image.height <= _LIGHT:  # noqa: PLR2004 (nothing to be gained)
        return prepare(image)
    image.load()
    strips = []
    height = factor * max(1, _STRIP // (factor * image.width))
    for top in range(0, image.height, height):
        strip = image.crop((0, top, image.width, min(top + height, image.height)))
        strips.append(prepare(strip).reduce(factor))
    small = Image.new(strips[0].mode, (strips[0].width, sum(strip.height for strip in strips)))
    top = 0
    for strip in strips:
        small.paste(strip, (0, top))
        top += strip.height
    small.info = dict(image.info)
    return small


def decoded_size(data: bytes) -> tuple[int, int]:
    """Return an image's width and height once all of it was decoded; raises `ImageError`, and is not bounded."""
    kind = media_type(data) or ""
    try:
        return _decode(data, _formats(kind))
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"has more than {MOST_PIXELS:,} pixels") from error
    except Exception as error:
        # Whatever it is: what damaged bytes make a decoder raise has no end.
        large = "" if not is_heavy(data) else f", or takes more than {MOST_MEMORY >> 20} MiB to decode"
        raise ImageError(f"starts like {kind}, but is broken or incomplete{large}") from error


def _formats(kind: str) -> tuple[str, ...]:
    """Return what Pillow may take bytes for."""
    plugin = _KINDS[kind][0] if kind in _KINDS else None
    return (plugin,) if plugin else ()


def _decode(data: bytes, formats: tuple[str, ...]) -> tuple[int, int]:
    """Return width and height, once the checksums were verified and every frame decoded."""
    with Image.open(io.BytesIO(data), formats=formats) as image:
        size = image.size
        if max(size) > LONGEST_SIDE:
            raise ImageError(f"has a side of more than {LONGEST_SIDE:,} pixels")
        # Loading a PNG does not look at the checksums of its pixels, and verifying does not look at the pixels.
        image.verify()
    with Image.open(io.BytesIO(data), formats=formats) as image:
        pixels = 0
        for frame in range(getattr(image, "n_frames", 1)):
            image.seek(frame)
            pixels += image.width * image.height
            if pixels > MOST_PIXELS:
                raise Image.DecompressionBombError
            if image.width * image.height > _LIGHT:
                # JPEG alone heeds it: every bit is read, and not all of the picture held.
                image.draft(image.mode, (1, 1))
            image.load()
    return size

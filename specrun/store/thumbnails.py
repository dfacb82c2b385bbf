"""Small versions of stored images, each made once."""

import contextlib
import io
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PIL import Image, ImageCms, ImageOps

from specrun.atomic import make_folder
from specrun.imaging import bounded, shrunk
from specrun.media_type import media_type
from specrun.store.contained import read_regular
from specrun.store.named import is_digest

# Pillow's WebP encoder: 80 is where the eye stops to find fault at these sizes, 4 where more effort stops to pay.
# Foliage and grain, which hide what a lower quality takes, go down to half of that before they are made smaller.
_QUALITIES: Final = (80, 65, 50, 40)
_EFFORT: Final = 4
_SMALLER: Final = 0.85
# The most that a thumbnail may weigh, in bytes for each pixel of a square of its edge: 8 KiB at 320, 32 KiB at 640.
_MOST: Final = 0.08
# A colour profile up to so many bytes comes along; the usual one of 3 KiB would be a third of a thumbnail.
_PROFILE: Final = 600


class Thumbnails:
    """WebP files at `<folder>/<edge>-<bytes>/ab/cdef….webp`, named by the digest of the image each was made from.

    `bytes` is the most that one of this edge weighs.

    They can always be made again, so nothing is fsynced, and a folder that cannot be written to is no error.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, blob: str, edge: int, read: Callable[[], bytes]) -> bytes:
        """Return the thumbnail of a blob, `edge` pixels at its longer side; `read` gives the image where none is kept.

        Raises `ImageError` for what does not decode, and whatever `read` raises.
        """
        if not is_digest(blob):
            return thumbnail(read(), edge)
        path = self._path(blob, edge)
        kept = _whole(path)
        if kept is not None:
            return kept
        data = thumbnail(read(), edge)
        with contextlib.suppress(OSError):
            _keep(path, data)
        return data

    def _path(self, blob: str, edge: int) -> Path:
        name = blob.removeprefix("sha256:")
        return self._folder / f"{edge}-{most_bytes(edge)}" / name[:2] / f"{name[2:]}.webp"


def most_bytes(edge: int) -> int:
    """Return what a thumbnail of this edge weighs at most, so that a page of many can be sent and opened."""
    return max(1024, int(edge * edge * _MOST))


def thumbnail(data: bytes, edge: int) -> bytes:
    """Return an image as a WebP of at most `edge` pixels a side, never enlarged; of an animation the first frame.

    It weighs at most `most_bytes`: what is too full of detail loses quality first, then pixels. Raises `ImageError`.
    """
    return bounded(small_webp, (data,), edge, result=bytes)


def small_webp(data: bytes, edge: int) -> bytes:
    """Return a thumbnail, made in whatever time and memory it takes."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", (edge, edge))
        profile = image.info.get("icc_profile") if image.mode in {"RGB", "RGBA", "P"} else None
        # Scaled in two steps, the first by whole numbers, which is quick and shows in no thumbnail.
        picture = ImageOps.exif_transpose(shrunk(image, 2 * edge, _colours))
        picture.thumbnail((edge, edge), Image.Resampling.LANCZOS, reducing_gap=2.0)
    if profile and len(profile) > _PROFILE:
        picture, profile = _in_srgb(picture, profile), None
    return _encoded(picture, most_bytes(edge), profile)


def _encoded(picture: Image.Image, most: int, profile: bytes | None) -> bytes:
    for quality in _QUALITIES:
        data = _webp(picture, quality, profile)
        if len(data) <= most:
            return data
    while len(data) > most:
        width, height = (max(1, int(side * _SMALLER)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
        data = _webp(picture, _QUALITIES[-1], profile)
    return data


def _webp(picture: Image.Image, quality: int, profile: bytes | None) -> bytes:
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=quality, method=_EFFORT, icc_profile=profile, exif=b"", xmp=b"")
    return out.getvalue()


def _in_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """Return an image in the colours that browsers take for granted; as it is where its profile cannot be read."""
    try:
        found = ImageCms.profileToProfile(picture, io.BytesIO(profile), ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError):
        return picture
    return picture if found is None else found


def _colours(image: Image.Image) -> Image.Image:
    """Return an image in a mode that can be scaled well and that WebP holds."""
    if image.mode.startswith("I"):
        # Sixteen bits of grey; Pillow would cut off what lies above the lower eight.
        return image.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _whole(path: Path) -> bytes | None:
    """Return a kept thumbnail, None where there is none or a power cut left only part of it."""
    try:
        data = read_regular(path)
    except OSError:
        return None
    told = int.from_bytes(data[4:8], "little") + 8
    return data if media_type(data) == "image/webp" and told == len(data) else None


def _keep(path: Path, data: bytes) -> None:
    make_folder(path.parent)
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise

"""Small versions of stored images, each made once."""

import contextlib
import io
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

from specrun.atomic import make_folder
from specrun.imaging import bounded, shrunk
from specrun.media_type import media_type
from specrun.store.contained import read_regular
from specrun.store.named import is_digest

# Pillow's WebP encoder: 80 is where the eye stops to find fault at these sizes, 4 where more effort stops to pay.
_QUALITY: Final = 80
_EFFORT: Final = 4


class Thumbnails:
    """WebP files at `<folder>/<edge>/ab/cdef….webp`, named by the digest of the image that each was made from.

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
        return self._folder / str(edge) / name[:2] / f"{name[2:]}.webp"


def thumbnail(data: bytes, edge: int) -> bytes:
    """Return an image as a WebP of at most `edge` pixels a side, never enlarged; of an animation the first frame.

    Raises `ImageError`.
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
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=_QUALITY, method=_EFFORT, icc_profile=profile, exif=b"", xmp=b"")
    return out.getvalue()


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

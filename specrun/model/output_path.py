"""Output paths and the types of images: a name's suffix follows the bytes."""

import re
import unicodedata

_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif", "image/avif": "avif"}
IMAGE_EXTENSIONS = (*_EXTENSIONS.values(), "jpeg")
_ALSO = {"jpg": frozenset({"jpg", "jpeg"})}
_IMAGE_SUFFIX = re.compile(r"\.(png|jpe?g|webp|gif|avif|bmp|tiff?)$", re.IGNORECASE)


def extension(media_type: str) -> str:
    """Return the file extension, without a dot, of images of a type; png for a type that is not known."""
    return _EXTENSIONS.get(media_type, "png")


def stem(path: str) -> str:
    """Return a path without its image suffix: what stays the same whatever type the bytes turn out to be."""
    return _IMAGE_SUFFIX.sub("", path)


def has_image_suffix(path: str) -> bool:
    """Whether a path ends as an image's does."""
    return _IMAGE_SUFFIX.search(path) is not None


def truthful(path: str, media_type: str) -> str:
    """Return a path whose image suffix is that of `media_type`; a suffix that says so already stays as written."""
    wanted = _EXTENSIONS.get(media_type)
    found = _IMAGE_SUFFIX.search(path)
    if wanted is None:
        return path
    if found is not None and found[1].lower() in _ALSO.get(wanted, frozenset({wanted})):
        return path
    return f"{stem(path)}.{wanted}"


def folded(path: str) -> str:
    """Return the form in which two paths are one file on some disk: NFC, without regard to case."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())

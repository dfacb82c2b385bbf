"""Output paths and the types of images: a name's suffix follows the bytes."""

import re
import unicodedata

_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif", "image/avif": "avif"}
_ALSO = {"jpg": frozenset({"jpg", "jpeg"})}
_IMAGE_SUFFIX = re.compile(r"\.(png|jpe?g|webp|gif|avif|bmp|tiff?)$", re.IGNORECASE)


def truthful(path: str, media_type: str) -> str:
    """Return a path whose image suffix is that of `media_type`; a suffix that says so already stays as written."""
    extension = _EXTENSIONS.get(media_type)
    found = _IMAGE_SUFFIX.search(path)
    if extension is None:
        return path
    if found is not None and found[1].lower() in _ALSO.get(extension, frozenset({extension})):
        return path
    return f"{_IMAGE_SUFFIX.sub('', path)}.{extension}"


def folded(path: str) -> str:
    """Return the form in which two paths are one file on some disk: NFC, without regard to case."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())

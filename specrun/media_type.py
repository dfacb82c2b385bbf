"""What the first bytes of a file say that it is."""


def media_type(data: bytes) -> str | None:
    """Return what the first bytes, of which 12 do, say that an image is; None where it is of no kind known here."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    return None


# What people take for an image that is one, though of no kind known here, or that none is.
_FOREIGN = (
    (b"BM", "a BMP image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"8BPS", "a Photoshop document"),
    (b"\0\0\1\0", "an ICO image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (b"%PDF", "a PDF document"),
)
_HEIF = frozenset((b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1", b"ftyphevc"))


def foreign_type(data: bytes) -> str:
    """Return what else the first bytes of a file, of which 256 do, say that it is; empty where they do not."""
    if data[4:12] in _HEIF:
        return "a HEIC image"
    start = data.lstrip().lower()
    if start.startswith(b"<svg") or (start.startswith(b"<?xml") and b"<svg" in start):
        return "an SVG drawing"
    return next((kind for sign, kind in _FOREIGN if data.startswith(sign)), "")

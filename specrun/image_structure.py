"""What the structure of an image file says before anything is decoded: how much work it is, whether it is whole."""

import struct
from typing import Final

_PNG_HEAD: Final = struct.Struct(">I4s")
# So many pieces before or between the pixels are an attack, or a picture not worth trusting blindly.
_MOST_PIECES: Final = 4096
# A progressive JPEG has about ten scans; each goes over all its pixels once more.
_MOST_SCANS: Final = 24
_START_OF_FRAME: Final = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive; all else is out of the common
_BARE_MARKERS: Final = frozenset({0x01, 0xD8, *range(0xD0, 0xD8)})
_START_OF_SCAN: Final = b"\xff\xda"
_END_OF_JPEG: Final = b"\xff\xd9"
_END_OF_PNG: Final = b"IEND\xaeB`\x82"


def still_pixels(data: bytes, kind: str) -> int | None:
    """Return the pixels of a still image that is about as much work to decode as they say; None for any other.

    `kind` is the media type that the first bytes say.
    """
    match kind:
        case "image/png":
            return _png_pixels(data)
        case "image/jpeg":
            return _jpeg_pixels(data)
        case "image/webp":
            return _webp_pixels(data)
        case _:
            return None


def has_many_scans(data: bytes, kind: str) -> bool:
    """Whether a JPEG goes over its pixels more often than any camera or program makes it."""
    return kind == "image/jpeg" and data.count(_START_OF_SCAN) > _MOST_SCANS


def cut_off(data: bytes, kind: str) -> bool:
    """Whether an image certainly ends too early, as after a download that broke off."""
    match kind:
        case "image/png":
            return _END_OF_PNG not in data
        case "image/jpeg":
            scan = _first_scan(data)
            return scan is None or _END_OF_JPEG not in data[scan[0] :]
        case "image/webp":
            return len(data) < 8 + int.from_bytes(data[4:8], "little")
        case "image/gif":
            # Some writers leave the last byte out, so only a missing picture or a block that breaks off counts.
            return not _gif_is_whole(data)
        case _:
            return not _has_boxes(data)


def _png_pixels(data: bytes) -> int | None:
    at = 8
    for _ in range(_MOST_PIECES):
        if at + _PNG_HEAD.size > len(data):
            return None
        length, kind = _PNG_HEAD.unpack_from(data, at)
        if kind == b"acTL":
            return None
        if kind == b"IEND":
            width, height = struct.unpack_from(">II", data, 16)
            return int(width * height)
        at += 12 + length
    return None


def _jpeg_pixels(data: bytes) -> int | None:
    scan = _first_scan(data)
    # Behind the first picture of a multi-picture file stand more.
    if scan is None or scan[1] is None or b"MPF\0" in data[: scan[0]]:
        return None
    return None if has_many_scans(data, "image/jpeg") else scan[1]


def _first_scan(data: bytes) -> tuple[int, int | None] | None:
    """Return where the first scan of a JPEG stands, and the pixels of a common kind of frame; None without a scan."""
    at, pixels = 2, None
    for _ in range(_MOST_PIECES):
        if data[at : at + 1] != b"\xff" or at + 4 > len(data):
            return None
        marker = data[at + 1]
        if marker == _START_OF_SCAN[1]:
            return at, pixels
        if marker in _START_OF_FRAME and at + 9 <= len(data):
            height, width = struct.unpack_from(">HH", data, at + 5)
            # Some cameras say the height later.
            pixels = width * height or None
        # A marker may be preceded by any number of fill bytes.
        bare = marker in _BARE_MARKERS
        at += 1 if marker == 0xFF else 2 if bare else 2 + int.from_bytes(data[at + 2 : at + 4])  # noqa: PLR2004
    return None


def _webp_pixels(data: bytes) -> int | None:
    match data[12:16]:
        case b"VP8 " if len(data) >= 30:  # noqa: PLR2004 (up to the frame's size)
            width, height = struct.unpack_from("<HH", data, 26)
            return int((width & 0x3FFF) * (height & 0x3FFF))
        case b"VP8L" if len(data) >= 25:  # noqa: PLR2004
            bits = int.from_bytes(data[21:25], "little")
            return ((bits & 0x3FFF) + 1) * ((bits >> 14 & 0x3FFF) + 1)
        case b"VP8X" if len(data) >= 30 and not data[20] & 0x02:  # noqa: PLR2004 (else an animation)
            return (int.from_bytes(data[24:27], "little") + 1) * (int.from_bytes(data[27:30], "little") + 1)
        case _:
            return None


def _gif_is_whole(data: bytes) -> bool:
    """Whether a GIF's blocks, up to the end of its first picture at least, are all there."""
    if len(data) < 13:  # noqa: PLR2004 (signature and screen)
        return False
    at = 13 + _table(data[10])
    pictures = 0
    for _ in range(_MOST_PIECES):
        introducer = data[at : at + 1]
        if introducer == b"!":
            at = _past_blocks(data, at + 2)
        elif introducer == b",":
            at = _past_blocks(data, at + 10 + _table(data[at + 9]) + 1) if at + 10 < len(data) else len(data) + 1
            pictures += 1
        else:
            break
    return pictures > 0 and at <= len(data)


def _table(flags: int) -> int:
    """Return the bytes of a colour table, by the flags that announce it."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _past_blocks(data: bytes, at: int) -> int:
    """Return where a row of data blocks ends; past the end of the data where it does not."""
    while at < len(data):
        if not data[at]:
            return at + 1
        at += 1 + data[at]
    return len(data) + 1


def _has_boxes(data: bytes) -> bool:
    """Whether the boxes that describe an AVIF's picture and that hold it are all there."""
    at, seen = 0, set()
    for _ in range(_MOST_PIECES):
        size, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16])
        # None is a box up to the end of the file.
        at = at + max(size, 8) if size else len(data)
        if at > len(data):
            break
        seen.add(kind)
        if seen >= {b"meta", b"mdat"}:
            return True
    return False

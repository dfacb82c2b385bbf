"""Where XMP stands in a JPEG: an APP1 segment behind the JFIF and Exif headers (XMP specification part 3, 1.1.3)."""

import struct
from collections.abc import Iterator

import msgspec

from specrun.provenance.xmp import CannotEmbedError

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_START = 2  # bytes of the start-of-image marker
_HEAD = struct.Struct(">BBH")  # 0xFF, marker, length
_MARK = 0xFF
_LENGTH = 2  # bytes of the length, which counts itself
_APP0, _APP1, _APP11 = 0xE0, 0xE1, 0xEB
_SCAN = 0xDA
_METADATA = frozenset((*range(0xE0, 0xF0), 0xFE))  # application segments and comments
_LARGEST = 0xFFFF - _LENGTH - len(_XMP)


class _Segment(msgspec.Struct, frozen=True):
    marker: int
    start: int
    end: int
    data: bytes

    @property
    def leads(self) -> bool:
        """Whether it has to stand before all others: JFIF, its extension, Exif."""
        return self.marker == _APP0 or (self.marker == _APP1 and self.data.startswith(b"Exif\0"))


def signed(data: bytes) -> bool:
    """Whether the image carries Content Credentials, which any change would break."""
    return any(segment.marker == _APP11 and b"c2pa" in segment.data for segment in _segments(data))


def xmp_in(data: bytes) -> bytes | None:
    """Return the XMP packet; raise `CannotEmbedError` where the segments make no sense."""
    segment = _xmp_segment(data)
    return None if segment is None else segment.data[len(_XMP) :]


def put_xmp(data: bytes, packet: bytes) -> bytes:
    """Return the image with this packet, all else untouched; raise `CannotEmbedError` if it is over 64 KiB."""
    if len(packet) > _LARGEST:
        raise CannotEmbedError("is a JPEG, and the facts are more than the 64 KiB that one segment holds")
    segment = _HEAD.pack(_MARK, _APP1, _LENGTH + len(_XMP) + len(packet)) + _XMP + packet
    there = _xmp_segment(data)
    if there is not None:
        return data[: there.start] + segment + data[there.end :]
    place = _START
    for before in _segments(data):
        if not before.leads:
            break
        place = before.end
    return data[:place] + segment + data[place:]


def drop_xmp(data: bytes) -> tuple[bytes, ...]:
    """Return the ways the image may have looked before XMP was put in: one."""
    there = _xmp_segment(data)
    return (data,) if there is None else (data[: there.start] + data[there.end :],)


def picture(data: bytes) -> bytes:
    """Return the bytes that code the picture itself: no text, no profile, no time."""
    parts = list(_segments(data))
    tables = [data[part.start : part.end] for part in parts if part.marker not in _METADATA]
    return b"".join([*tables, data[parts[-1].end if parts else _START :]])


def _xmp_segment(data: bytes) -> _Segment | None:
    return next((part for part in _segments(data) if part.marker == _APP1 and part.data.startswith(_XMP)), None)


def _segments(data: bytes) -> Iterator[_Segment]:
    """Iterate over the segments before the first scan."""
    position = _START
    while True:
        start = position
        while data[position : position + 2] == b"\xff\xff":
            position += 1  # any number of fill bytes may stand before a marker
        content = position + _HEAD.size
        if content > len(data):
            raise CannotEmbedError("ends before its image data")
        mark, marker, length = _HEAD.unpack_from(data, position)
        if marker == _SCAN:
            return
        position = content - _LENGTH + length
        if mark != _MARK or position < content or position > len(data):
            raise CannotEmbedError("ends in the middle of a segment")
        yield _Segment(marker, start, position, data[content:position])

"""Where XMP stands in a PNG: an iTXt chunk, put right behind the header (XMP specification part 3, 1.1.5)."""

import struct
import zlib
from collections.abc import Iterator

import msgspec

from specrun.provenance.xmp import CannotEmbedError

_SIGNATURE = 8
_HEAD = struct.Struct(">I4s")  # length, kind
_CHECKSUM = 4
# Keyword; not compressed; no language; no translated keyword.
_XMP = b"XML:com.adobe.xmp\0\0\0\0\0"
_KEYWORD = _XMP[:18]
_SIGNED = b"caBX"  # Content Credentials
_PICTURE = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"acTL", b"fcTL", b"fdAT"))


class _Chunk(msgspec.Struct, frozen=True):
    file: bytes
    kind: bytes
    start: int
    end: int

    @property
    def data(self) -> bytes:
        return self.file[self.start + _HEAD.size : self.end - _CHECKSUM]


def signed(data: bytes) -> bool:
    """Whether the image carries Content Credentials, which any change would break."""
    return any(chunk.kind == _SIGNED for chunk in _chunks(data))


def xmp_in(data: bytes) -> bytes | None:
    """Return the XMP packet; raise `CannotEmbedError` where it is compressed or the chunks make no sense."""
    chunk = _xmp_chunk(data)
    if chunk is None:
        return None
    if not chunk.data.startswith(_XMP):
        raise CannotEmbedError("has compressed XMP metadata")
    return chunk.data[len(_XMP) :]


def put_xmp(data: bytes, packet: bytes) -> bytes:
    """Return the image with this packet, all else untouched."""
    there = _xmp_chunk(data)
    if there is not None:
        start, end = there.start, there.end
    else:
        start = end = next(_chunks(data)).end
    whole = memoryview(data)
    return b"".join((whole[:start], _chunk(packet), whole[end:]))


def drop_xmp(data: bytes) -> tuple[bytes, ...]:
    """Return the ways the image may have looked before XMP was put in: one."""
    there = _xmp_chunk(data)
    return (data,) if there is None else (data[: there.start] + data[there.end :],)


def picture(data: bytes) -> bytes:
    """Return the bytes that code the picture itself: no text, no profile, no time."""
    return b"".join(chunk.kind + chunk.data for chunk in _chunks(data) if chunk.kind in _PICTURE)


def _xmp_chunk(data: bytes) -> _Chunk | None:
    return next((chunk for chunk in _chunks(data) if chunk.kind == b"iTXt" and chunk.data.startswith(_KEYWORD)), None)


def _chunk(packet: bytes) -> bytes:
    body = b"iTXt" + _XMP + packet
    return struct.pack(">I", len(_XMP) + len(packet)) + body + struct.pack(">I", zlib.crc32(body))


def _chunks(data: bytes) -> Iterator[_Chunk]:
    position = _SIGNATURE
    while position < len(data):
        start, position = position, position + _HEAD.size
        if position > len(data):
            raise CannotEmbedError("ends in the middle of a chunk")
        length, kind = _HEAD.unpack_from(data, start)
        position += length + _CHECKSUM
        if position > len(data):
            raise CannotEmbedError("ends in the middle of a chunk")
        yield _Chunk(data, kind, start, position)
        if kind == b"IEND":
            return

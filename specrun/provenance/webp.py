"""Where XMP stands in a WebP: a chunk at the end, announced in the VP8X header (RFC 9649, 2.7)."""

import struct
from collections.abc import Iterator

import msgspec

from specrun.provenance.xmp import CannotEmbedError

_RIFF = 12  # "RIFF", size, "WEBP"
_HEAD = struct.Struct("<4sI")  # kind, length
_HAS_XMP = 0x04
_HAS_ALPHA = 0x10
_SIGNED = b"C2PA"
_PICTURE = frozenset((b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"))


class _Chunk(msgspec.Struct, frozen=True):
    kind: bytes
    start: int
    end: int
    data: bytes


def signed(data: bytes) -> bool:
    """Whether the image carries Content Credentials, which any change would break."""
    return any(chunk.kind == _SIGNED for chunk in _chunks(data))


def xmp_in(data: bytes) -> bytes | None:
    """Return the XMP packet; raise `CannotEmbedError` where the chunks make no sense."""
    chunk = _find(data, b"XMP ")
    return None if chunk is None else chunk.data


def put_xmp(data: bytes, packet: bytes) -> bytes:
    """Return the image with this packet, all else untouched; a simple file becomes an extended one."""
    there = _find(data, b"XMP ")
    new = _chunk(b"XMP ", packet)
    if there is not None:
        return _sized(data[: there.start] + new + data[there.end :], len(new) - (there.end - there.start))
    end = _RIFF + sum(chunk.end - chunk.start for chunk in _chunks(data))
    head = next(_chunks(data))
    if head.kind == b"VP8X":
        marked = data[:20] + bytes([data[20] | _HAS_XMP]) + data[21:end] + new + data[end:]
        return _sized(marked, len(new))
    extended = _extended_header(head)
    return _sized(data[:_RIFF] + extended + data[_RIFF:end] + new + data[end:], len(extended) + len(new))


def drop_xmp(data: bytes) -> tuple[bytes, ...]:
    """Return the ways the image may have looked before XMP was put in: extended, or if need be simple."""
    there = _find(data, b"XMP ")
    if there is None:
        return (data,)
    rest = _sized(data[: there.start] + data[there.end :], there.start - there.end)
    head = next(_chunks(rest))
    unmarked = rest[:20] + bytes([rest[20] & ~_HAS_XMP]) + rest[21:]
    simple = _sized(rest[:_RIFF] + rest[head.end :], head.start - head.end)
    return unmarked, simple


def picture(data: bytes) -> bytes:
    """Return the bytes that code the picture itself: no text, no profile, no time."""
    return b"".join(chunk.kind + chunk.data for chunk in _chunks(data) if chunk.kind in _PICTURE)


def _find(data: bytes, kind: bytes) -> _Chunk | None:
    return next((chunk for chunk in _chunks(data) if chunk.kind == kind), None)


def _extended_header(image: _Chunk) -> bytes:
    """Return the VP8X chunk of an image that had none."""
    if image.kind == b"VP8 ":
        width, height = struct.unpack("<HH", image.data[6:10])
        flags, width, height = _HAS_XMP, width & 0x3FFF, height & 0x3FFF  # the two bits above are for scaling
    elif image.kind == b"VP8L":
        (bits,) = struct.unpack("<I", image.data[1:5])
        flags = _HAS_XMP | (_HAS_ALPHA if bits >> 28 & 1 else 0)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        raise CannotEmbedError("is a WebP that starts with no image")
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return _chunk(b"VP8X", struct.pack("<I", flags) + sizes)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return _HEAD.pack(kind, len(data)) + data + b"\0" * (len(data) % 2)


def _sized(data: bytes, grown: int) -> bytes:
    (size,) = struct.unpack("<I", data[4:8])
    return data[:4] + struct.pack("<I", size + grown) + data[8:]


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """Iterate over the chunks inside the RIFF; what stands after it is no part of the image."""
    (size,) = struct.unpack("<I", data[4:8])
    stop = min(8 + size, len(data))
    position = _RIFF
    while position < stop:
        start, position = position, position + _HEAD.size
        if position > len(data):
            raise CannotEmbedError("ends in the middle of a chunk")
        kind, length = _HEAD.unpack_from(data, start)
        content, position = position, position + length + length % 2
        if position > len(data):
            raise CannotEmbedError("ends in the middle of a chunk")
        yield _Chunk(kind, start, position, data[content : content + length])

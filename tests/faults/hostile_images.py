"""Images that are small as files and without bounds to whoever decodes them."""

import io
import struct
import zlib

from PIL import Image


def jpeg_of_scans(scans: int = 10_000, side: int = 6000) -> bytes:
    """Return a progressive JPEG that goes over its pixels as often as said."""
    buffer = io.BytesIO()
    Image.new("L", (side, side), 128).save(buffer, "JPEG", quality=1, progressive=True)
    data = buffer.getvalue()
    last = data.rindex(b"\xff\xc4", 0, data.rindex(b"\xff\xda"))
    return data[:-2] + data[last:-2] * scans + data[-2:]


def gif_of_frames(frames: int) -> bytes:
    """Return a GIF of many frames of a pixel each."""
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "GIF")
    data = buffer.getvalue()
    first = data.index(b",")
    return data[:first] + data[first:-1] * frames + b";"


def grey_png(width: int, height: int) -> bytes:
    """Return a black PNG of one byte a pixel."""
    squeezer = zlib.compressobj(9)
    row = bytes(1 + width)
    many = max(1, (1 << 20) // len(row))
    pixels = [squeezer.compress(row * min(many, height - at)) for at in range(0, height, many)]
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        png_chunk(kind, data)
        for kind, data in ((b"IHDR", head), (b"IDAT", b"".join([*pixels, squeezer.flush()])), (b"IEND", b""))
    )


def png_of_chunks(chunks: int) -> bytes:
    """Return a PNG with as many chunks that say nothing before its pixels."""
    data = grey_png(8, 8)
    return data[:33] + png_chunk(b"prIv", b"") * chunks + data[33:]


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

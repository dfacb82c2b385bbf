"""PNG files (ISO/IEC 15948) with a palette, written without any library's taste in compression."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from PIL import Image

from specrun.server.render.deflate import deflate_rows, with_zero_column

Colour: TypeAlias = tuple[int, int, int]


def encode_png(image: Image.Image, palette: Sequence[Colour], texts: Mapping[str, str]) -> bytes:
    """Return a PNG of an L image whose values index `palette`; `texts` become international text chunks."""
    # Checksums are arithmetic, the same whichever zlib computes them.
    checksum = struct.pack(">I", zlib.adler32(with_zero_column(image)))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", image.width, image.height, 8, 3, 0, 0, 0)),
            *(_chunk(b"iTXt", _text(keyword, text)) for keyword, text in texts.items()),
            _chunk(b"PLTE", bytes(channel for colour in palette for channel in colour)),
            _chunk(b"IDAT", b"\x78\x01" + deflate_rows(image) + checksum),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _text(keyword: str, text: str) -> bytes:
    """Return an uncompressed iTXt body: keyword, no compression, no language, text."""
    return keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode()

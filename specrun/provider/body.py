"""Reply bodies, read with a bound on what they may grow to."""

import zlib
from collections.abc import AsyncIterator
from typing import Final

import httpx

_WINDOWS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 47}


class BodyError(Exception):
    """A body that is too large or cannot be decompressed; the message says which."""


async def read_body(response: httpx.Response, most: int) -> bytes:
    """Return the whole body, at most `most` bytes of it, decompressed where the server compressed it unasked.

    Raises `BodyError`, or `httpx.TransportError` where the body breaks off.
    """
    pieces = []
    size = 0
    async for piece in _pieces(response, most):
        pieces.append(piece)
        size += len(piece)
        if size > most:
            raise BodyError(f"the reply is larger than {most >> 20} MiB")
    return b"".join(pieces)


async def _pieces(response: httpx.Response, most: int) -> AsyncIterator[bytes]:
    encoding = response.headers.get("content-encoding", "identity").strip().lower() or "identity"
    if encoding == "identity":
        async for piece in _stream(response):
            yield piece
        return
    if encoding not in _WINDOWS:
        raise BodyError("the reply is compressed in an unknown way")
    inflater = zlib.decompressobj(wbits=_WINDOWS[encoding])
    try:
        async for piece in _stream(response):
            # One byte more than allowed: enough to tell a bomb, whatever it would grow to.
            yield inflater.decompress(piece, most + 1)
    except zlib.error as error:
        raise BodyError("the reply cannot be decompressed") from error
    if not inflater.eof:
        raise BodyError("the reply breaks off")


def _stream(response: httpx.Response) -> httpx.AsyncByteStream:
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise TypeError("a transport for asyncio gives a body for asyncio")
    return response.stream

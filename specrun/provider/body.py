"""Reply bodies, read with a bound on what they may grow to."""

import zlib
from collections.abc import AsyncIterator, Mapping
from typing import Final

import httpx

_WINDOWS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 47}


class BodyError(Exception):
    """A body that is too large or cannot be decompressed; the message says which."""


async def read_body(response: httpx.Response, most: int) -> bytes:
    """Return the whole body of a response; see `read_stream`."""
    return await read_stream(async_stream(response), response.headers, most)


async def read_stream(stream: httpx.AsyncByteStream, headers: Mapping[str, str], most: int) -> bytes:
    """Return the whole of a body, at most `most` bytes of it, decompressed where the server compressed it unasked.

    Raises `BodyError`, or `httpx.TransportError` where the body breaks off.
    """
    encoding = headers.get("content-encoding", "").strip().lower()
    pieces = []
    size = 0
    async for piece in stream if encoding in ("", "identity") else _inflated(stream, encoding, most):
        pieces.append(piece)
        size += len(piece)
        if size > most:
            raise BodyError(f"the reply is larger than {most >> 20} MiB")
    return b"".join(pieces)


async def _inflated(stream: httpx.AsyncByteStream, encoding: str, most: int) -> AsyncIterator[bytes]:
    if encoding not in _WINDOWS:
        raise BodyError("the reply is compressed in an unknown way")
    inflater = zlib.decompressobj(wbits=_WINDOWS[encoding])
    try:
        async for piece in stream:
            # One byte more than allowed: enough to tell a bomb, whatever it would grow to.
            yield inflater.decompress(piece, most + 1)
    except zlib.error as error:
        raise BodyError("the reply cannot be decompressed") from error
    if not inflater.eof:
        raise BodyError("the reply breaks off")


def async_stream(response: httpx.Response) -> httpx.AsyncByteStream:
    """Return a response's body as an asyncio transport gives it."""
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise TypeError("a transport for asyncio gives a body for asyncio")
    return response.stream

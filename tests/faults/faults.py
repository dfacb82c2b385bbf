"""Behaviours for the fault server: what real servers and networks have been seen to do."""

import asyncio
import base64
import gzip
import json
from collections.abc import Callable, Mapping
from typing import Any

from fault_server import Behaviour, Exchange, head, reset, respond


def good(kind: str = "PNG") -> Behaviour:
    """Images as base64, billed."""
    return images(lambda content: {"b64_json": base64.b64encode(content).decode()}, kind=kind)


def images(item: Callable[[bytes], Any], *, kind: str = "PNG", count: int | None = None) -> Behaviour:
    """Images, each as `item` puts it; `count` of them instead of as many as were asked for. Billed."""

    async def behave(exchange: Exchange) -> None:
        pictures = exchange.pictures(kind)
        pictures = pictures if count is None else (pictures * max(count, 1))[:count]
        exchange.bill(len(pictures))
        await exchange.reply(200, {"created": 1, "data": [item(content) for content in pictures]})

    return behave


def linked(*, relative: bool = False, query: str = "", **stored: Any) -> Behaviour:
    """Images as URLs on the same server, billed."""

    async def behave(exchange: Exchange) -> None:
        data = []
        for index, content in enumerate(exchange.pictures()):
            path = f"/img/{exchange.post.number}-{index}.png{query}"
            url = exchange.server.store(path, content, **stored)
            data.append({"url": path if relative else url})
        exchange.bill()
        await exchange.reply(200, {"created": 1, "data": data})

    return behave


def says(status: int, document: Any, headers: Mapping[str, str] | None = None, *, bill: bool = False) -> Behaviour:
    """A JSON reply."""

    async def behave(exchange: Exchange) -> None:
        if bill:
            exchange.bill()
        await exchange.reply(status, document, headers)

    return behave


def error(
    status: int, code: str, *, message: str = "no", kind: str = "", headers: Mapping[str, str] | None = None
) -> Behaviour:
    """An error as the images API states it, with the request's id as `param`."""
    return says(status, {"error": {"message": message, "type": kind, "code": code, "param": "req-0123456789"}}, headers)


def raw(
    status: int,
    content: bytes,
    media_type: str = "text/html",
    headers: Mapping[str, str] | None = None,
    *,
    bill: bool = False,
) -> Behaviour:
    """A reply that need not be JSON."""

    async def behave(exchange: Exchange) -> None:
        if bill:
            exchange.bill()
        await respond(exchange.writer, status, content, {"content-type": media_type, **(headers or {})})

    return behave


def slow(seconds: float, behaviour: Behaviour) -> Behaviour:
    """Another behaviour, later."""

    async def behave(exchange: Exchange) -> None:
        await asyncio.sleep(seconds)
        await behaviour(exchange)

    return behave


async def reset_after_reading(exchange: Exchange) -> None:
    """Read and bill, then reset the connection."""
    exchange.bill()
    reset(exchange.writer)


async def close_after_reading(exchange: Exchange) -> None:
    """Read and bill, then close the connection."""
    exchange.bill()
    exchange.writer.close()


async def torn_headers(exchange: Exchange) -> None:
    """Bill, and reset in the middle of the reply's headers."""
    exchange.bill()
    await _send(exchange, b"HTTP/1.1 200 OK\r\ncontent-ty")
    reset(exchange.writer)


async def torn_body(exchange: Exchange) -> None:
    """Bill, and reset in the middle of the reply's body."""
    exchange.bill()
    whole = _reply_with_images(exchange)
    await _send(exchange, head(200, {"content-length": str(len(whole))}) + whole[: len(whole) // 2])
    reset(exchange.writer)


async def cut_body(exchange: Exchange) -> None:
    """Bill, and close in the middle of a body whose length nobody was told."""
    exchange.bill()
    whole = _reply_with_images(exchange)
    await _send(exchange, head(200, {"connection": "close"}) + whole[: len(whole) // 2])
    exchange.writer.close()


async def hang(exchange: Exchange) -> None:
    """Bill and never answer."""
    exchange.bill()
    await exchange.reader.read()


async def slow_loris(exchange: Exchange) -> None:
    """Bill, and answer a byte at a time, without an end."""
    exchange.bill()
    await _send(exchange, head(200, {"content-length": "1000000"}))
    while True:
        await _send(exchange, b" ")
        await asyncio.sleep(0.02)


async def endless(exchange: Exchange) -> None:
    """Bill, and send JSON that does not end."""
    exchange.bill()
    await _send(exchange, head(200, {"transfer-encoding": "chunked"}) + b'9\r\n{"data":"\r\n')
    piece = b"10000\r\n" + b"A" * 0x10000 + b"\r\n"
    while True:
        await _send(exchange, piece)


async def not_http(exchange: Exchange) -> None:
    """Bill, and answer in another language."""
    exchange.bill()
    await _send(exchange, b"\x15\x03\x01\x00\x02\x02\x46 not HTTP\r\n\r\n")
    exchange.writer.close()


async def gzipped(exchange: Exchange) -> None:
    """Images in a reply that is compressed though nobody asked."""
    exchange.bill()
    await respond(exchange.writer, 200, gzip.compress(_reply_with_images(exchange)), {"content-encoding": "gzip"})


async def gzip_bomb(exchange: Exchange) -> None:
    """Bill, and send little that inflates to 300 MiB."""
    exchange.bill()
    await respond(exchange.writer, 200, gzip.compress(bytes(300 << 20), compresslevel=1), {"content-encoding": "gzip"})


def _reply_with_images(exchange: Exchange) -> bytes:
    data = [{"b64_json": base64.b64encode(content).decode()} for content in exchange.pictures()]
    return json.dumps({"created": 1, "data": data}).encode()


async def _send(exchange: Exchange, content: bytes) -> None:
    exchange.writer.write(content)
    await exchange.writer.drain()

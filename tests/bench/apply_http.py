"""How many image requests a second one process manages, by client; run by hand.

    python tests/bench/apply_http.py [--requests 2000] [--concurrency 64] [--latency 0.05] [--kib 32] [NAME…]

Each client posts, parses the reply and decodes the base64; nothing is written. The server runs in a process of its
own. Read the ratios, not the figures.
"""

import argparse
import asyncio
import base64
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp
import httpx

from specrun.model.project import Provider
from specrun.provider.client import ImageClient
from specrun.provider.courier import ImageRequest
from specrun.provider.outcome import ImageItem, Outcome, Received

BODY: Final = json.dumps({"model": "m", "prompt": "a fox, oil, studio light", "seed": 1, "steps": 28}).encode()
HEADERS: Final = {"content-type": "application/json", "authorization": "Bearer x"}


class Server(asyncio.Protocol):
    """Answers every POST with the same image after a while."""

    def __init__(self, reply: bytes, latency: float) -> None:
        self._reply = reply
        self._latency = latency
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = int(self._buffer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(self._buffer) >= end + 4 + length:
            self._buffer = self._buffer[end + 4 + length :]
            asyncio.get_running_loop().call_later(self._latency, self._answer)

    def _answer(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._reply)


async def serve(kib: int, latency: float) -> None:
    content = json.dumps({"data": [{"b64_json": base64.b64encode(random.Random(0).randbytes(kib << 10)).decode()}]})
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    reply = (head + content).encode()
    server = await asyncio.get_running_loop().create_server(
        lambda: Server(reply, latency), "127.0.0.1", 0, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class Silent:
    """A journal that writes nothing down."""

    async def intended(self, attempt: int) -> None: ...

    async def sent(self, attempt: int) -> None: ...

    async def settled(self, attempt: int, outcome: Outcome) -> None: ...


async def spread(count: int, concurrency: int, one: Callable[[int], Awaitable[None]]) -> None:
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            await one(number)

    await asyncio.gather(*(work() for _ in range(concurrency)))


def undo(content: bytes) -> None:
    base64.b64decode(json.loads(content)["data"][0]["b64_json"])


async def with_specrun(base: str, count: int, concurrency: int) -> None:
    """The whole client: limiter, journal, deadline, decision."""
    async with ImageClient(Provider(name="bench", base_url=base, concurrency=concurrency)) as client:

        async def one(number: int) -> None:
            end = await client.generate(ImageRequest(body=BODY, idempotency_key=f"{number}.1"), Silent())
            assert isinstance(end, Received)
            (item,) = end.items
            assert isinstance(item, ImageItem)
            base64.b64decode(item.encoded or "")

        await spread(count, concurrency, one)


async def with_aiohttp(base: str, count: int, concurrency: int) -> None:
    """aiohttp and nothing around it."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=HEADERS) as session:

        async def one(_number: int) -> None:
            async with session.post(f"{base}/images/generations", data=BODY) as response:
                undo(await response.read())

        await spread(count, concurrency, one)


async def with_httpx(base: str, count: int, concurrency: int) -> None:
    """httpx with one pool for all."""
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with httpx.AsyncClient(limits=limits, headers=HEADERS, timeout=60) as client:

        async def one(_number: int) -> None:
            undo((await client.post(f"{base}/images/generations", content=BODY)).content)

        await spread(count, concurrency, one)


async def with_httpx_pools(base: str, count: int, concurrency: int) -> None:
    """httpx's transport, bare, a pool for every eight connections."""
    limits = httpx.Limits(max_connections=8, max_keepalive_connections=8)
    context = httpx.create_ssl_context()
    pools = [httpx.AsyncHTTPTransport(verify=context, limits=limits) for _ in range(-(-concurrency // 8))]
    url = httpx.URL(f"{base}/images/generations")

    async def one(number: int) -> None:
        request = httpx.Request("POST", url, headers=HEADERS, content=BODY)
        response = await pools[number % len(pools)].handle_async_request(request)
        undo(await response.aread())
        await response.aclose()

    await spread(count, concurrency, one)
    for pool in pools:
        await pool.aclose()


CLIENTS: Final = {
    "specrun": with_specrun,
    "aiohttp": with_aiohttp,
    "httpx": with_httpx,
    "httpx-pools": with_httpx_pools,
}


def measure(name: str, options: argparse.Namespace) -> None:
    command = [sys.executable, __file__, "--serve", "--latency", str(options.latency), "--kib", str(options.kib)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        base = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        cpu, wall = time.process_time(), time.perf_counter()
        asyncio.run(CLIENTS[name](base, options.requests, options.concurrency))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        server.terminate()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{name:12} {options.requests / wall:7.0f}/s {cpu / options.requests * 1e6:7.0f} us CPU each {memory:5.0f} MiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", choices=[*CLIENTS, []])
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--kib", type=int, default=32)
    parser.add_argument("--serve", action="store_true")
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.kib, options.latency))
        return
    for name in options.names or CLIENTS:
        measure(name, options)


if __name__ == "__main__":
    main()

"""How fast `specrun serve` answers: `python tests/bench/serve.py`.

Three tables: requests a second with a constant image beside a bare starlette route; latency of quick requests while
50 slow connections hang on; memory through 2,000 requests.
"""

import argparse
import asyncio
import multiprocessing
import resource
import socket
import statistics
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from specrun.catalog.load import load_catalog
from specrun.server.app import create_app
from specrun.server.drawing import DrawingEngine
from specrun.server.engine import ImageRequest
from specrun.server.running import listen, run
from specrun.server.settings import Settings

BODY = {"model": "black-forest-labs/FLUX.1-dev", "prompt": "a lamp", "seed": 1}
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


class ConstantEngine:
    """Hands out one and the same image."""

    name = "constant"

    def fault(self, request: ImageRequest) -> None:
        return None

    async def images(self, request: ImageRequest) -> Sequence[bytes]:
        return [PIXEL] * request.count

    async def aclose(self) -> None:
        return None


async def bare(request: Request) -> Response:
    await request.json()
    return JSONResponse({"created": 0, "data": [{"url": "http://localhost/x.png"}], "usage": {}})


def app_of(kind: str) -> ASGIApp:
    if kind == "bare":
        return Starlette(routes=[Route("/v1/images/generations", bare, methods=["POST"])])
    if kind == "constant":
        return create_app(load_catalog(), ConstantEngine())
    return create_app(load_catalog(), DrawingEngine(processes=2), Settings(running=8, waiting=64))


def serve(kind: str, connection: Connection) -> None:
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    run(app_of(kind), listener, lambda: connection.send(port))
    connection.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


@asynccontextmanager
async def served(kind: str) -> AsyncIterator[tuple[int, Connection]]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(kind, theirs))
    process.start()
    yield ours.recv(), ours
    process.terminate()
    await asyncio.to_thread(process.join)


async def asked(url: str, count: int, at_once: int, session: aiohttp.ClientSession) -> float:
    """Ask so often, so many at once; return requests a second."""
    left = iter(range(count))

    async def worker() -> None:
        for number in left:
            async with session.post(url, json=BODY | {"seed": number}) as response:
                assert response.status == 200, await response.text()
                await response.read()

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    return count / (time.perf_counter() - started)


async def throughput() -> None:
    rates: dict[str, list[float]] = {"bare": [], "constant": []}
    for _ in range(3):
        for kind, found in rates.items():
            async with served(kind) as (port, _connection), aiohttp.ClientSession() as session:
                url = f"http://127.0.0.1:{port}/v1/images/generations"
                await asked(url, 200, 8, session)
                found.append(await asked(url, 3000, 8, session))
    bare_rate, constant = (statistics.median(found) for found in rates.values())
    print(
        f"bare route {bare_rate:.0f}/s, images API with a constant image {constant:.0f}/s: {constant / bare_rate:.2f}"
    )


async def beside_slow_connections() -> None:
    async with served("drawing") as (port, _), aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}/v1/images/generations"
        await asked(url, 40, 8, session)
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
        for connection in slow:
            connection.sendall(b"POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\nContent-Le")
        times: list[float] = []

        async def one(number: int) -> None:
            started = time.perf_counter()
            async with session.post(url, json=BODY | {"seed": number}) as response:
                assert response.status == 200
                await response.read()
            times.append((time.perf_counter() - started) * 1000)

        tasks = []
        for number in range(200):
            tasks.append(asyncio.create_task(one(number)))
            await asyncio.sleep(0.05)
        await asyncio.gather(*tasks)
        for connection in slow:
            connection.close()
    times.sort()
    print(f"20 requests a second beside 50 slow connections: median {times[100]:.0f} ms, p99 {times[197]:.0f} ms")


async def memory() -> None:
    async with served("drawing") as (port, connection), aiohttp.ClientSession() as session:
        rate = await asked(f"http://127.0.0.1:{port}/v1/images/generations", 2000, 8, session)
    peak = connection.recv()
    print(f"2,000 pictures at {rate:.0f}/s: the server's memory peaks at {peak:.0f} MiB")


PARTS: dict[str, Callable[[], Coroutine[None, None, None]]] = {
    "throughput": throughput,
    "slow": beside_slow_connections,
    "memory": memory,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("part", nargs="?", choices=PARTS, help="only this one")
    chosen = parser.parse_args().part
    for part in [chosen] if chosen else PARTS:
        asyncio.run(PARTS[part]())

"""How fast `specrun serve` answers: `python tests/bench/serve.py`.

Three tables: requests a second with a constant image beside a bare starlette route; latency of quick requests with
and without 50 slow connections beside them; memory through 2,000 requests.
"""

import argparse
import asyncio
import multiprocessing
import os
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path

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
PROCESSES = 4
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
    return create_app(load_catalog(), DrawingEngine(processes=PROCESSES, eager=True), Settings(running=8, waiting=64))


def serve(kind: str, connection: Connection) -> None:
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    run(app_of(kind), listener, lambda: connection.send(port))


@asynccontextmanager
async def served(kind: str) -> AsyncIterator[int]:
    """Yield the port of a server."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(kind, theirs))
    process.start()
    yield ours.recv()
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
            async with served(kind) as port, aiohttp.ClientSession() as session:
                url = f"http://127.0.0.1:{port}/v1/images/generations"
                await asked(url, 200, 8, session)
                found.append(await asked(url, 3000, 8, session))
    bare_rate, constant = (statistics.median(found) for found in rates.values())
    print(
        f"bare route {bare_rate:.0f}/s, images API with a constant image {constant:.0f}/s: {constant / bare_rate:.2f}"
    )


async def window(url: str, session: aiohttp.ClientSession) -> list[float]:
    """Ask 20 times a second for five seconds, whether or not answers have come; return milliseconds of each."""
    times: list[float] = []

    async def one(number: int) -> None:
        started = time.perf_counter()
        async with session.post(url, json=BODY | {"seed": number}) as response:
            assert response.status == 200, await response.text()
            await response.read()
        times.append((time.perf_counter() - started) * 1000)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(100):
            await asyncio.sleep(max(0.0, began + number / 20 - time.perf_counter()))
            tasks.create_task(one(number))
    return times


@asynccontextmanager
async def slow_connections(port: int) -> AsyncIterator[None]:
    """Hold 50 connections: half drip their headers, half their body, a byte every 0.2 s; closed ones come again."""

    async def drip(head: bytes) -> None:
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(head)
                while not reader.at_eof():
                    await asyncio.sleep(0.2)
                    writer.write(b"x")
            except ConnectionError:
                continue
            finally:
                writer.close()

    line = b"POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\n"
    body = line + b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
    drips = [asyncio.create_task(drip(head)) for head in (line + b"X-Slow: ", body) * 25]
    await asyncio.sleep(0.5)
    yield
    for task in drips:
        task.cancel()
    await asyncio.gather(*drips, return_exceptions=True)


async def beside_slow_connections() -> None:
    """Alternate windows with and without them, so that what else the machine does falls on both."""
    for kind in ("constant", "drawing"):
        alone: list[float] = []
        beside: list[float] = []
        connector = aiohttp.TCPConnector(limit=0)
        async with served(kind) as port, aiohttp.ClientSession(connector=connector) as session:
            url = f"http://127.0.0.1:{port}/v1/images/generations"
            await asked(url, 60, 8, session)
            for _ in range(4):
                alone += await window(url, session)
                async with slow_connections(port):
                    beside += await window(url, session)
        (median, p99), (median_beside, p99_beside) = map(middle_and_tail, (alone, beside))
        print(
            f"{kind}, 20 requests a second: alone median {median:.0f} ms, p99 {p99:.0f} ms; beside 50 slow connections "
            f"median {median_beside:.0f} ms, p99 {p99_beside:.0f} ms; p99 ratio {p99_beside / p99:.2f}; "
            f"load {os.getloadavg()[0]:.1f}"
        )


def middle_and_tail(times: Sequence[float]) -> tuple[float, float]:
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


async def memory() -> None:
    """Measure the command itself, with the processes that it starts."""
    command = (sys.executable, "-m", "specrun", "serve", "--port", "0")
    server = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert server.stderr is not None
    announcement = (await server.stderr.readline()).decode()
    log = asyncio.create_task(server.stderr.read())
    async with aiohttp.ClientSession() as session:
        url = re.findall(r"http://\S+", announcement)[0]
        rate = await asked(f"{url}/v1/images/generations", 2000, 8, session)
    peaks = [highest(process) for process in (server.pid, *children(server.pid))]
    server.terminate()
    await log
    await server.wait()
    print(
        f"2,000 pictures at {rate:.0f}/s: memory peaks at {peaks[0]:.0f} MiB, with the {len(peaks) - 1} processes "
        f"beside it {sum(peaks):.0f} MiB"
    )


def children(process: int) -> Sequence[int]:
    lists = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for found in lists for child in found.read_text().split()]


def highest(process: int) -> float:
    """Return the most memory that a process ever had, in MiB, as Linux counts it."""
    (line,) = (line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


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

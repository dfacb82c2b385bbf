import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from specrun.server import protocol
from specrun.server.protocol import Protocol
from specrun.server.running import listen


async def slow(_request: Request) -> Response:
    await asyncio.sleep(0.6)
    return PlainTextResponse("done")


@contextlib.asynccontextmanager
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(protocol, "HEADER_SECONDS", 0.3)
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    config = uvicorn.Config(Starlette(routes=[Route("/", slow)]), http=Protocol, ws="none", log_level="critical")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield port  # the socket listens already
    finally:
        server.should_exit = True
        await running


async def closed(reader: asyncio.StreamReader) -> bool:
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(5):
            return await reader.read() == b""
    return True


def test_a_connection_that_never_asks_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with served(monkeypatch) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: local")
            assert await closed(reader)
            writer.close()

    asyncio.run(story())


def test_a_request_under_way_may_take_longer_and_the_next_has_a_deadline_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        async with served(monkeypatch) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = await reader.readuntil(b"done")
            assert answer.startswith(b"HTTP/1.1 200 ")
            writer.write(b"GET / HT")
            assert await closed(reader)
            writer.close()

    asyncio.run(story())

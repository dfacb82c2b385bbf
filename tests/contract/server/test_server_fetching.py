import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable

import pytest
import trustme
from aiohttp import web

from specrun.addresses import PrivateAddressError
from specrun.server import fetching
from specrun.server.errors import ApiError
from specrun.server.fetching import Fetcher

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
AUTHORITY = trustme.CA()


async def resolve_public(host: str, port: int) -> tuple[str, ...]:
    """Look up as if this machine were public under one name."""
    if host == "public.test":
        return ("127.0.0.1",)
    raise PrivateAddressError(f"{host} is in a private network")


def fetched(handler: Handler, monkeypatch: pytest.MonkeyPatch, path: str = "/lamp.png") -> bytes | str:
    """Return what `https://public.test` + path gives, or why it gives nothing."""
    monkeypatch.setattr(fetching, "resolve_public", resolve_public)
    server_tls, client_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    AUTHORITY.issue_cert("public.test").configure_cert(server_tls)
    AUTHORITY.configure_trust(client_tls)

    async def story() -> bytes:
        runner = web.ServerRunner(web.Server(handler))
        await runner.setup()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            await web.SockSite(runner, listener, ssl_context=server_tls).start()
            port = listener.getsockname()[1]
            try:
                return await Fetcher(tls=client_tls).fetch(f"https://public.test:{port}{path}", "image")
            finally:
                await runner.cleanup()

    try:
        return asyncio.run(story())
    except ApiError as error:
        return error.message


def test_an_image_is_fetched_from_a_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        assert request.headers["host"].startswith("public.test:")
        assert "authorization" not in request.headers
        return web.Response(body=b"picture")

    assert fetched(answer, monkeypatch) == b"picture"


def test_a_redirect_on_the_same_terms_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        if request.path == "/lamp.png":
            return web.Response(status=302, headers={"location": "/there?sig=a%2Fb"})
        return web.Response(text=request.raw_path)

    assert fetched(answer, monkeypatch) == b"/there?sig=a%2Fb"


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://127.0.0.1/secret", "private network"),
        ("https://internal.test/secret", "private network"),
        ("http://public.test/plain", "only https"),
        ("file:///etc/passwd", "only https"),
        ("/lamp.png", "more than 3 redirects"),
        ("https://[", "cannot be reached"),
    ],
)
def test_a_redirect_cannot_lead_out_of_the_rules(monkeypatch: pytest.MonkeyPatch, location: str, said: str) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(status=307, headers={"location": location})

    message = fetched(answer, monkeypatch)
    assert isinstance(message, str)
    assert message.startswith("image could not be fetched: ")
    assert said in message


def test_what_is_not_there_is_said_with_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(status=404)

    assert fetched(answer, monkeypatch) == "image could not be fetched: its server answered 404"


def test_an_image_that_is_too_large_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(40):
                await response.write(bytes(1 << 20))
        return response

    assert fetched(answer, monkeypatch) == "image could not be fetched: it is larger than 32 MiB"

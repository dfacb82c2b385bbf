"""A server without a network: the same client, the same rules."""

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest
from asking import QUICK, Recorder, request
from fault_server import picture

from specrun.model.project import Provider
from specrun.provider.client import ImageClient
from specrun.provider.outcome import Received, Settled, Unknown
from specrun.provider.results import Arrival, Arrived

SANDBOX = Provider(name="sandbox", base_url=None, retry_for=0.1)


class App:
    """An ASGI app that makes one image, in the way told."""

    def __init__(self, item: dict[str, Any] | None) -> None:
        self._item = item
        self.asked: list[tuple[str, str]] = []
        self.headers: dict[bytes, bytes] = {}

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        self.asked.append((scope["method"], scope["path"]))
        self.headers = dict(scope["headers"])
        if scope["method"] == "GET":
            content, media_type = picture("x"), b"image/png"
        elif self._item is None:
            raise RuntimeError("the app has a fault")
        else:
            content, media_type = json.dumps({"data": [self._item]}).encode(), b"application/json"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", media_type)]})
        await send({"type": "http.response.body", "body": content})


def ask(app: App) -> tuple[Settled, tuple[Arrival, ...], Recorder]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    journal = Recorder()

    async def run() -> tuple[Settled, tuple[Arrival, ...], Recorder]:
        async with ImageClient(SANDBOX, transport=transport, environ={}, backoff=QUICK) as client:
            settled = await client.generate(request(), journal)
            arrivals = await client.collect(settled) if isinstance(settled, Received) else ()
            return settled, arrivals, journal

    return asyncio.run(run())


@pytest.mark.parametrize(
    "item",
    [
        {"b64_json": base64.b64encode(picture("x")).decode()},
        {"url": "/v1/files/x.png"},
        {"url": "http://sandbox.invalid/v1/files/x.png"},
    ],
    ids=["base64", "a path", "a URL"],
)
def test_images_come_from_an_app_without_a_socket(item: dict[str, Any]) -> None:
    app = App(item)
    settled, (arrival,), journal = ask(app)
    assert isinstance(settled, Received)
    assert isinstance(arrival, Arrived)
    assert arrival.image.data == picture("x")
    assert app.asked[0] == ("POST", "/v1/images/generations")
    assert b"authorization" not in app.headers
    assert journal.events == [("intended", 1), ("sent", 1), ("settled", 1)]


def test_an_app_that_breaks_down_is_judged_like_any_server() -> None:
    app = App(None)
    settled, _, _ = ask(app)
    assert isinstance(settled, Unknown)
    assert len(app.asked) == 1

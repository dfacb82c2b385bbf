"""A transport that needs no network, such as an ASGI app's, as one that knows when a request leaves."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import httpx

from specrun.provider.body import async_stream
from specrun.provider.transport import Answer, Departure


class InProcessTransport(httpx.AsyncBaseTransport):
    """Hands requests to `inner`, posts after their departure was allowed."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._inner.__aexit__(exc_type, exc_value, traceback)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and return its reply."""
        return await self._inner.handle_async_request(request)

    async def only_tls(self, url: httpx.URL) -> bool:  # noqa: ARG002 (there is no connection)
        """Return False: nothing is between."""
        return False

    async def post(self, url: httpx.URL, headers: Mapping[str, str], content: bytes, departure: Departure) -> Answer:
        """Post `content` once `departure` allows it."""
        await departure.allow()
        departure.left = True
        response = await self._inner.handle_async_request(httpx.Request("POST", url, headers=headers, content=content))
        known = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status_code, headers=known, body=async_stream(response))

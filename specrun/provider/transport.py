"""HTTP/1.1 over sockets, with exact knowledge of whether a request left this machine.

aiohttp carries the bytes, behind httpx's transport interface: httpx's own pool slows down as connections grow, and
the adapter that others publish reports a connection lost after sending as one that was never made.
"""

import asyncio
import contextlib
import io
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import TracebackType
from typing import Final, Self

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from yarl import URL

from specrun.addresses import PrivateAddressError
from specrun.provider.proxies import Proxies

# Shorter than the 5 s after which common servers close idle connections: a request that is sent into a closing
# connection is lost, and nobody knows what became of it.
_KEEP_ALIVE: Final = 3.0
_CONNECT_TIMEOUT: Final = 30.0
# Seconds to find out whether a server speaks TLS.
_PROBE: Final = 3.0
# OpenSSL's names for an answer that is no TLS, in its versions.
_NO_TLS: Final = frozenset(
    ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL", "HTTP_REQUEST")
)
_LONGEST_HEADER: Final = 64 * 1024
# aiohttp wants larger bodies as files, to write them piece by piece.
_LARGE_BODY: Final = 1 << 20


class DepartureError(Exception):
    """What had to be done before a request leaves failed, with its cause; nothing was sent."""


class UntrustedCertificateError(httpx.ConnectError):
    """The server's TLS certificate is not to be trusted."""


class NoTlsError(httpx.ConnectError):
    """The server does not speak TLS where https asks for it."""


class UnworkableError(httpx.TransportError):
    """A request that cannot be made, or a reply that cannot be read, however often it is tried."""


class Departure:
    """The moment that a request leaves: its first byte is written once `before` has returned; then `left` is true."""

    def __init__(self, before: Callable[[], Awaitable[None]]) -> None:
        self._before = before
        self.left = False

    async def allow(self) -> None:
        """Do what must be done first, such as recording that the request is about to leave."""
        try:
            await self._before()
        except Exception as error:
            # In a class of its own: it is none of what sockets, servers and their replies make an HTTP library raise.
            raise DepartureError from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A reply as soon as its headers are there, their names in lower case; `body` is to be read, and closed."""

    status: int
    headers: Mapping[str, str]
    body: httpx.AsyncByteStream


_departure: ContextVar[Departure | None] = ContextVar("departure", default=None)


class SocketTransport(httpx.AsyncBaseTransport):
    """Sends each request once, follows no redirect, keeps no cookie, reads no netrc.

    Bodies come as the server sent them, not decompressed. Raises `httpx.TransportError`.
    """

    def __init__(self, *, resolver: AbstractResolver | None = None) -> None:
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None
        self._answered: set[str] = set()
        self._proxies = Proxies.current()

    async def __aenter__(self) -> Self:
        connector = _Connector(limit=0, resolver=self._resolver, keepalive_timeout=_KEEP_ALIVE)
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_field_size=_LONGEST_HEADER,
            max_line_size=_LONGEST_HEADER,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and return its reply as soon as the headers are there.

        `request.extensions["target"]` may hold a path and query to be sent as they are.
        """
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.raw}
        target = request.extensions.get("target", request.url.raw_path)
        response = await self._send(request.method, request.url, target, headers, request.content)
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response, request.url))

    async def post(self, url: httpx.URL, headers: Mapping[str, str], content: bytes, departure: Departure) -> Answer:
        """Post `content` once `departure` allows it, without making httpx's request and response for each."""
        token = _departure.set(departure)
        try:
            response = await self._send("POST", url, url.raw_path, headers, content)
        finally:
            _departure.reset(token)
        known = {name.decode("latin-1").lower(): value.decode(errors="replace") for name, value in response.raw_headers}
        return Answer(status=response.status, headers=known, body=_Body(response, url))

    async def only_tls(self, url: httpx.URL) -> bool:
        """Whether a server that broke off a plain request, and has never answered one, completes a TLS handshake."""
        asked = url.scheme == "http" and _host(url) not in self._answered
        if not asked or self._proxies.for_host(url.scheme, url.host) is not None:
            return False
        # One look is enough.
        self._answered.add(_host(url))
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        with contextlib.suppress(OSError, ValueError):
            async with asyncio.timeout(_PROBE):
                _, writer = await asyncio.open_connection(url.host, url.port or 80, ssl=tls)
            writer.transport.abort()
            return True
        return False

    async def _send(
        self, method: str, url: httpx.URL, target: bytes, headers: Mapping[str, str], content: bytes
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("enter the transport first")
        proxy = self._proxies.for_host(url.scheme, url.host)
        if proxy is not None and url.scheme == "http":
            # Over https the proxy sees nothing of the request; aiohttp tells it these when it asks for a tunnel.
            headers = {**headers, **proxy.headers}
        try:
            response = await self._session.request(
                method,
                _exact(f"{url.scheme}://{url.netloc.decode('ascii')}{target.decode('ascii')}"),
                data=io.BytesIO(content) if len(content) > _LARGE_BODY else content or None,
                headers=headers,
                allow_redirects=False,
                ssl=self._tls if url.scheme == "https" else True,
                proxy=proxy.url if proxy else None,
                proxy_headers=proxy.headers if proxy else None,
            )
        except (aiohttp.ClientError, OSError) as error:
            raise _told(error, url) from error
        except DepartureError:
            raise
        except Exception as error:
            # Libraries raise much that is no OSError: what a strange name or header makes them stumble over.
            raise UnworkableError(f"{_host(url)} cannot be asked ({type(error).__name__})") from error
        self._answered.add(_host(url))
        return response

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # Reading all authorities' certificates takes time that http does not need.
        return httpx.create_ssl_context()


class _Connector(aiohttp.TCPConnector):
    """Asks the departure between having a connection and writing to it."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 (aiohttp's signature)
    ) -> aiohttp.connector.Connection:
        connection = await super().connect(req, traces, timeout)
        departure = _departure.get()
        if departure is None:
            return connection
        try:
            await departure.allow()
        except BaseException:
            connection.close()
            raise
        if connection.transport is None or connection.transport.is_closing():
            # The server closed it in the meantime; nothing has left yet.
            connection.close()
            raise aiohttp.ServerDisconnectedError
        departure.left = True
        return connection


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse, url: httpx.URL) -> None:
        self._response = response
        self._url = url

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise _told(error, self._url) from error
        except Exception as error:
            raise UnworkableError(f"{_host(self._url)} sent what cannot be read ({type(error).__name__})") from error

    async def aclose(self) -> None:
        # What was read to its end has gone back to the pool by itself; the rest of an unread body is not waited for.
        self._response.close()


@lru_cache(maxsize=64)
def _exact(url: str) -> URL:
    """Return a URL with its path and query exactly as given: a signature does not survive re-encoding."""
    return URL(url, encoded=True)


def _told(error: aiohttp.ClientError | OSError, url: httpx.URL) -> httpx.TransportError | PrivateAddressError:
    """Say what went wrong on the way; of the URL nothing but its host is in the words."""
    reason = _innermost(error)
    if isinstance(reason, PrivateAddressError):
        return reason
    if isinstance(reason, ssl.SSLCertVerificationError):
        return UntrustedCertificateError(reason.verify_message)
    if isinstance(reason, ssl.SSLError) and isinstance(error, aiohttp.ClientConnectorError):
        return _without_tls(reason, _host(url))
    kind, words = _kind_and_words(error, reason, _host(url))
    return kind(words)


def _without_tls(reason: ssl.SSLError, host: str) -> httpx.ConnectError:
    if reason.reason in _NO_TLS:
        return NoTlsError(f"the server at {host} does not speak TLS")
    # OpenSSL's numbers of errors are none of the operating system's.
    return httpx.ConnectError(f"no TLS with {host}: {(reason.reason or 'it breaks off').lower().replace('_', ' ')}")


def _host(url: httpx.URL) -> str:
    return url.netloc.decode("ascii")


def _kind_and_words(error: Exception, reason: BaseException, host: str) -> tuple[type[httpx.TransportError], str]:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return httpx.ConnectError, f"the name of {host} does not resolve"
        case aiohttp.ClientConnectorError():
            known = isinstance(reason, OSError) and reason.errno
            return httpx.ConnectError, f"no connection to {host}: {os.strerror(known) if known else 'it breaks off'}"
        case aiohttp.ClientHttpProxyError():
            return httpx.ProxyError, f"the proxy on the way to {host} answered {error.status}"
        case TimeoutError():
            return httpx.ConnectTimeout, f"no connection to {host} in {_CONNECT_TIMEOUT:g} s"
        case aiohttp.ClientResponseError():
            return httpx.RemoteProtocolError, f"{host} answered with something that is not HTTP"
        case _:
            return httpx.ReadError, f"the connection to {host} was lost"


def _innermost(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error

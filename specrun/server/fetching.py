"""Input images that a request names by URL."""

import socket
import ssl
from http import HTTPStatus

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from specrun import __version__
from specrun.addresses import PrivateAddressError, resolve_public
from specrun.server.errors import ApiError

_LARGEST = 32 << 20
_SECONDS = 30
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {"Accept": "image/*", "User-Agent": f"specrun/{__version__}"}


class _FetchError(Exception):
    """An image that cannot be had; the message says why."""


class Fetcher:
    """Fetches over https, and from public addresses only: each redirect and each look-up is held to that.

    `tls` says which certificates to trust; the system's by default.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls

    async def fetch(self, url: str, place: str) -> bytes:
        """Return what is behind a URL; raises `ApiError` where that is impossible or not allowed."""
        connector = aiohttp.TCPConnector(resolver=_PublicResolver(), ssl=self._tls or True)
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        try:
            async with aiohttp.ClientSession(
                connector=connector, timeout=timeout, headers=_HEADERS, cookie_jar=aiohttp.DummyCookieJar()
            ) as session:
                return await _follow(session, url)
        except (_FetchError, PrivateAddressError) as error:
            reason = str(error)
        except (OSError, aiohttp.ClientError, ValueError):
            reason = "its server cannot be reached"
        except TimeoutError:
            reason = f"it did not arrive within {_SECONDS} s"
        raise ApiError(f"{place} could not be fetched: {reason}")


async def _follow(session: aiohttp.ClientSession, text: str) -> bytes:
    url = URL(text, encoded=True)  # signatures hang on each %2F as it is
    for _ in range(_MOST_REDIRECTS + 1):
        await _check(url)
        async with session.get(url, allow_redirects=False) as response:
            location = response.headers.get("location")
            if response.status not in _REDIRECTS or location is None:
                return await _content(response)
            url = url.join(URL(location, encoded=True))
    raise _FetchError(f"there are more than {_MOST_REDIRECTS} redirects")


async def _check(url: URL) -> None:
    """Refuse what is not https, and hosts that stand in private networks, by name or by number."""
    if url.scheme != "https" or url.host is None or url.port is None:
        raise _FetchError("only https URLs are fetched")
    # The connection looks names up once more, through the same rules; addresses it takes as they are.
    await resolve_public(url.host, url.port)


async def _content(response: aiohttp.ClientResponse) -> bytes:
    if response.status != HTTPStatus.OK:
        raise _FetchError(f"its server answered {response.status}")
    received = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        received += chunk
        if len(received) > _LARGEST:
            raise _FetchError(f"it is larger than {_LARGEST >> 20} MiB")
    return bytes(received)


class _PublicResolver(AbstractResolver):
    """Gives out public addresses only, so that what was checked is what is connected to."""

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - aiohttp's signature
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await resolve_public(host, port)
        ]

    async def close(self) -> None:
        """Nothing is held open."""

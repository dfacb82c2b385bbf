"""Files behind URLs that a server or a spec gave, fetched with no more trust than such URLs deserve."""

import asyncio
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

import httpx

from specrun import __version__
from specrun.addresses import PrivateAddressError
from specrun.model.project import Provider
from specrun.provider.backoff import Backoff
from specrun.provider.body import BodyError, read_body
from specrun.provider.endpoint import endpoint
from specrun.provider.guard import Guard
from specrun.provider.pauses import slept
from specrun.provider.place import Place, PlaceError, is_relative
from specrun.provider.proxies import Proxies
from specrun.provider.retry_after import retry_after
from specrun.provider.secret import Secret
from specrun.provider.transport import (
    NoTlsError,
    SocketTransport,
    UntrustedCertificateError,
    UnworkableError,
)
from specrun.urls import plain_allowed

LARGEST_FILE: Final = 64 << 20
_MOST_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
# A file written a moment ago may take some time to be everywhere.
_TRIES_WHILE_MISSING: Final = 4
_HOPELESS: Final = (UntrustedCertificateError, NoTlsError, UnworkableError)
_HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": f"specrun/{__version__}"}


class DownloadError(Exception):
    """A file that cannot be had; the message is a sentence without the URL's path and query."""


class _PassingError(Exception):
    """What may work later; `wait` holds the seconds that the server asks for."""

    def __init__(self, cause: str, *, wait: float | None = None, tries: int | None = None) -> None:
        super().__init__(cause)
        self.wait = wait
        self.tries = tries


class Downloader:
    """Fetches files for one provider, by URLs that its server or a spec gave.

    `own` reaches the provider itself. All else is asked through connections that know no key and lead to no private
    address, unless the provider allows that. Redirects are followed, and each is held to the same rules.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        own: httpx.AsyncBaseTransport | None = None,
        backoff: Backoff = Backoff(),  # noqa: B008 (frozen)
    ) -> None:
        self._provider = provider
        self._backoff = backoff
        self._endpoint = endpoint(provider)
        self._guard = Guard(
            own_host=self._endpoint.host, allow_private=provider.allow_private, proxies=Proxies.current()
        )
        self._public = SocketTransport(resolver=self._guard)
        self._own = own or self._public
        self._hurry = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._public.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._public.aclose()

    def hurry(self) -> None:
        """Try nothing again that fails from now on."""
        self._hurry.set()

    async def get(
        self, url: str, *, secret: Secret | None = None, secure: bool = False, patience: float | None = None
    ) -> bytes:
        """Return the file behind a URL; raises `DownloadError`.

        A `url` without scheme and host is the provider's own and needs the key: `secret` goes along to such a one
        only, and along no redirect. With `secure`, http is for the provider's own host, or for this machine where
        the provider allows private addresses. What may pass is tried again for `patience` seconds, the provider's
        `retry_for` where None.
        """
        now = asyncio.get_running_loop().time
        give_up = now() + (self._provider.retry_for if patience is None else patience)
        attempt = 1
        while True:
            try:
                return await self._once(url, secret if is_relative(url) else None, secure=secure)
            except _PassingError as error:
                delay = self._backoff.delay(attempt, error.wait)
                out_of_tries = error.tries is not None and attempt >= error.tries
                if out_of_tries or now() + delay > give_up or not await slept(delay, self._hurry):
                    raise DownloadError(str(error)) from None
            attempt += 1

    async def _once(self, url: str, secret: Secret | None, *, secure: bool) -> bytes:
        try:
            async with asyncio.timeout(self._provider.timeout):
                return await self._follow(url, secret, secure=secure)
        except TimeoutError:
            raise _PassingError(f"no end of the image in {self._provider.timeout:g} s") from None
        except (PlaceError, PrivateAddressError, BodyError, *_HOPELESS) as error:
            raise DownloadError(str(error)) from None
        except httpx.TransportError as error:
            raise _PassingError(str(error)) from None
        except OSError:
            raise _PassingError("the name of the image's server does not resolve") from None
        except (DownloadError, _PassingError):
            raise
        except Exception as error:
            # Whatever a URL or a reply makes raise is that image's alone.
            raise DownloadError(f"what its URL leads to cannot be read ({type(error).__name__})") from error

    async def _follow(self, url: str, secret: Secret | None, *, secure: bool) -> bytes:
        place = self._endpoint.join(url)
        for _ in range(_MOST_REDIRECTS + 1):
            if secure:
                self._check_secure(place)
            response = await self._open(place, secret)
            try:
                location = response.headers.get("location")
                if response.status_code not in _REDIRECTS or location is None:
                    return await _content(response)
            finally:
                await response.aclose()
            place, secret = place.join(location), None
        raise DownloadError(f"more than {_MOST_REDIRECTS} redirects")

    async def _open(self, place: Place, secret: Secret | None) -> httpx.Response:
        """Send one GET and return the reply as soon as its headers are there."""
        own = place.origin == self._endpoint.origin
        key = {"Authorization": f"Bearer {secret.reveal()}"} if secret and own else {}
        request = httpx.Request("GET", place.url, headers=_HEADERS | key, extensions={"target": place.target})
        if own:
            return await self._own.handle_async_request(request)
        await self._guard.check(place.url.scheme, place.host, place.port)
        return await self._public.handle_async_request(request)

    def _check_secure(self, place: Place) -> None:
        provider = self._provider
        if not plain_allowed(str(place.url), self._endpoint.text, allow_private=provider.allow_private):
            raise DownloadError(f"{place.host} is to be asked over http, where anyone on the way can change the image")


async def _content(response: httpx.Response) -> bytes:
    status = response.status_code
    if status == HTTPStatus.OK:
        return await read_body(response, LARGEST_FILE)
    cause = f"the server of the image answered {status}"
    if status == HTTPStatus.NOT_FOUND:
        raise _PassingError(cause, tries=_TRIES_WHILE_MISSING)
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _PassingError(cause, wait=retry_after(response.headers))
    raise DownloadError(cause)

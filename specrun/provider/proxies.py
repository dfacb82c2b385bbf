"""The proxies that lead out of here: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or the system's settings."""

import base64
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.urls import is_loopback


@dataclass(frozen=True, kw_only=True, slots=True)
class Proxy:
    """A proxy: its URL without user and password, and the header that holds these, if it wants any."""

    url: str
    headers: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proxies:
    """Proxy URLs by the scheme they are for, and the hosts to be reached without; never this machine itself."""

    urls: dict[str, str] = field(repr=False)

    @classmethod
    def current(cls) -> Self:
        """Read the settings once; raises `InvalidInputError` for a kind of proxy that is not spoken here."""
        urls = getproxies()
        for scheme in ("http", "https"):
            if not urls.get(scheme, "http:").startswith(("http:", "https:")):
                raise InvalidInputError(
                    Diagnostic(
                        summary="not an HTTP proxy",
                        detail=f"the proxy for {scheme} URLs does not speak HTTP",
                        hint=f"set {scheme.upper()}_PROXY to an HTTP proxy, or unset it",
                    )
                )
        return cls(urls)

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts of the proxies themselves."""
        return frozenset(urlsplit(url).hostname or "" for url in self.urls.values())

    def for_host(self, scheme: str, host: str) -> Proxy | None:
        """Return the proxy that leads to a host, None where it is reached directly."""
        url = self.urls.get(scheme)
        if url is None or is_loopback(host) or proxy_bypass(host):
            return None
        return _proxy(url)


def _proxy(url: str) -> Proxy:
    parts = urlsplit(url)
    account, at, address = parts.netloc.rpartition("@")
    headers = {}
    if at:
        user, _, password = account.partition(":")
        pair = f"{unquote(user)}:{unquote(password)}".encode()
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return Proxy(url=f"{parts.scheme}://{address}", headers=headers)

"""The proxies that lead out of here: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or the system's settings."""

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from specrun.addresses import is_loopback
from specrun.diagnostics import Diagnostic, InvalidInputError


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

    def for_host(self, scheme: str, host: str) -> str | None:
        """Return the URL of the proxy that leads to a host, None where it is reached directly."""
        url = self.urls.get(scheme)
        if url is None or is_loopback(host) or proxy_bypass(host):
            return None
        return url

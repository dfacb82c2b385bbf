"""URLs that others wrote, read one way only."""

import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import quote, urljoin, urlsplit

import httpx

from specrun.urls import url_fault

# No user name, no backslash, no space or control character in the host: readers of URLs disagree about these.
_URL: Final = re.compile(r"(https?://[^/?#\\@\x00-\x20\x7f]+)([/?][^#\x00-\x1f\x7f]*)?(?:#.*)?", re.IGNORECASE)
_PRINTABLE: Final = "".join(map(chr, range(0x21, 0x7F)))
_PORTS: Final = {"http": 80, "https": 443}


class PlaceError(Exception):
    """A URL that leads nowhere; the message is a sentence without the URL."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """An http or https URL; `target` is its path and query as written: signatures do not survive re-encoding."""

    text: str
    url: httpx.URL
    target: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an absolute URL; raises `PlaceError`."""
        parts = _URL.fullmatch(text)
        if parts is None:
            raise PlaceError("the URL is not one of http or https, or holds a user name")
        target = quote(parts[2] or "/", safe=_PRINTABLE, errors="replace")
        target = target if target.startswith("/") else f"/{target}"
        fault = url_fault(parts[1])
        if fault:
            raise PlaceError(f"the URL leads nowhere: {fault}")
        try:
            return cls(text=text, url=httpx.URL(parts[1] + target), target=target.encode())
        except (ValueError, httpx.InvalidURL):
            raise PlaceError("the URL cannot be understood") from None

    def join(self, reference: str) -> Self:
        """Return where a URL leads that was found here; an absolute one stays as it is. Raises `PlaceError`."""
        try:
            joined = reference if _URL.fullmatch(reference) else urljoin(self.text, reference)
        except ValueError:
            raise PlaceError("the URL cannot be understood") from None
        return self.parse(joined)

    @property
    def host(self) -> str:
        """The host's name or address, in lower case and without brackets."""
        return self.url.host

    @property
    def port(self) -> int:
        """The port, the scheme's own where none is written."""
        return self.url.port or _PORTS[self.url.scheme]

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what a key is for."""
        return (self.url.scheme, self.host, self.port)


def is_relative(reference: str) -> bool:
    """Whether a URL names neither scheme nor host."""
    try:
        parts = urlsplit(reference)
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc

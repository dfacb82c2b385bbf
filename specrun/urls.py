"""Whether a URL can lead anywhere, by its text alone: nobody is asked, and no name is looked up."""

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

_LONGEST_NAME: Final = 253
_LABEL: Final = re.compile(r"[a-z0-9_-]{1,63}", re.IGNORECASE)
_FOUR_NUMBERS: Final = re.compile(r"[0-9]+(\.[0-9]+){3}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def url_fault(url: str) -> str:
    """Return why an http or https URL leads nowhere, as words that follow a colon; empty where nothing says so."""
    if _CONTROL.search(url):
        return "it holds a control character"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "its host or port cannot be understood"
    if parts.scheme not in ("http", "https"):
        return "it is not one of http or https"
    if "@" in parts.netloc or "\\" in parts.netloc:
        return "it holds a user name"
    if port == 0:
        return "port 0 is nobody's"
    return _host_fault(parts)


def is_loopback(host: str) -> bool:
    """Whether a URL's host names this machine, by convention or as an address."""
    if host.lower().rstrip(".") == "localhost" or host.lower().rstrip(".").endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def plain_allowed(url: str, base_url: str | None, *, allow_private: bool) -> bool:
    """Whether a file that a spec names may be fetched by this URL though it be http, where anyone can change it.

    It may from the provider's own host, and from this machine where the provider allows private addresses.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    own = base_url is not None and host == urlsplit(base_url).hostname
    return parts.scheme == "https" or own or (allow_private and is_loopback(host))


def _host_fault(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if "[" in parts.netloc or _FOUR_NUMBERS.fullmatch(host):
        return "" if _is_address(host) else "its host is no IP address"
    if not host.isascii() or "xn--" in host:
        # Takes a while to import, and is hardly ever needed.
        import idna  # noqa: PLC0415

        try:
            host = idna.encode(host).decode()
        except UnicodeError:
            return "its host is no host name"
    name = host.removesuffix(".")
    sound = len(name) <= _LONGEST_NAME and all(map(_LABEL.fullmatch, name.split(".")))
    return "" if sound else "its host is no host name" if host else "it names no host"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

"""Which network addresses are private: not for a URL that someone else wrote."""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

# IPv6 addresses that carry an IPv4 address in their last 32 bits: NAT64 and the deprecated compatible form.
_CARRIERS: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
# Local by their definitions, which not every Python knows.
_LOCAL: Final = (IPv6Network("64:ff9b:1::/48"), IPv6Network("fec0::/10"))


class PrivateAddressError(OSError):
    """A host that stands, or may stand, in a private network."""


def is_private(address: str) -> bool:
    """Whether an IP address, as text, is anything but a public one: loopback, private, link-local, multicast, reserved.

    An IPv6 address that carries an IPv4 address is as private as that one.
    """
    ip = ip_address(address.partition("%")[0])
    return any(_is_private(each) for each in _carried(ip))


async def resolve(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses of a host name, or of an address in any notation the system knows (`0x7f.1`).

    Raises `OSError` where there is none.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(place[0]) for *_, place in found))


async def resolve_public(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses of a host, all of them public; connect to these, as the next look-up may differ.

    Raises `PrivateAddressError` where any is not: a name with a public and a private address is a trap.
    """
    addresses = await resolve(host, port)
    for address in addresses:
        if is_private(address):
            shown = host if host == address else f"{host} ({address})"
            raise PrivateAddressError(f"{shown} is in a private network")
    return addresses


def _is_private(ip: IPv4Address | IPv6Address) -> bool:
    return not ip.is_global or ip.is_multicast or ip.is_reserved or any(ip in network for network in _LOCAL)


def _carried(ip: IPv4Address | IPv6Address) -> tuple[IPv4Address | IPv6Address, ...]:
    """Return the addresses that decide about `ip`: those it carries, else itself."""
    if isinstance(ip, IPv4Address):
        return (ip,)
    if ip.ipv4_mapped is not None:
        return (ip.ipv4_mapped,)
    if ip.sixtofour is not None:
        return (ip.sixtofour,)
    if ip.teredo is not None:
        return ip.teredo
    # :: and ::1 lie in the compatible range and are themselves.
    if int(ip) > 1 and any(ip in network for network in _CARRIERS):
        return (IPv4Address(int(ip) & 0xFFFFFFFF),)
    return (ip,)

"""Which hosts a URL that someone else wrote may lead to."""

import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from specrun.addresses import PrivateAddressError, resolve, resolve_public
from specrun.provider.proxies import Proxies


class Guard(AbstractResolver):
    """Lets downloads into private networks only where `own_host`, the provider's, or `allow_private` says so.

    `check` looks a host up; as a transport's resolver the guard then gives out those very addresses, so that no
    second look-up can lead elsewhere.
    """

    def __init__(self, *, own_host: str, allow_private: bool, proxies: Proxies) -> None:
        self._own_host = own_host.lower()
        self._allow_private = allow_private
        self._proxies = proxies
        self._checked: dict[str, tuple[str, ...]] = {}

    def allows_private(self, host: str) -> bool:
        """Whether a host may stand in a private network."""
        return self._allow_private or host.lower() == self._own_host

    async def check(self, scheme: str, host: str, port: int) -> None:
        """Raise `PrivateAddressError` for a host that may not be gone to, `OSError` for one that does not resolve."""
        if self.allows_private(host):
            return
        try:
            self._checked[host] = await resolve_public(host, port)
        except socket.gaierror:
            # Behind a proxy, names may be known to the proxy alone.
            if self._proxies.for_host(scheme, host) is None:
                raise

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 (aiohttp's signature)
    ) -> list[ResolveResult]:
        """Return the checked addresses of a host, or those of one that needs no check; called by the transport."""
        addresses = self._checked.get(host)
        if addresses is None:
            if not self.allows_private(host) and host not in self._proxies.hosts:
                raise PrivateAddressError(f"{host} was not checked")
            addresses = await resolve(host, port)
        return [_result(host, port, address) for address in addresses]

    async def close(self) -> None:
        """Nothing is held open."""


def _result(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)

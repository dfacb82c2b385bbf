"""Where a provider's requests go."""

from typing import Final

import httpx

from specrun.model.project import Provider

# The embedded sandbox answers under a name that never reaches a socket.
_IN_PROCESS: Final = "http://sandbox.invalid/v1"


def endpoint(provider: Provider) -> httpx.URL:
    """Return the URL that image requests are posted to."""
    return httpx.URL((provider.base_url or _IN_PROCESS).rstrip("/") + "/images/generations")

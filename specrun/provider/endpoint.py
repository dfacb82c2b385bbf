"""Where a provider's requests go."""

from typing import Final

from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.model.project import Provider
from specrun.provider.place import Place, PlaceError

# The embedded sandbox answers under a name that never reaches a socket.
_IN_PROCESS: Final = "http://sandbox.invalid/v1"


def endpoint(provider: Provider) -> Place:
    """Return where image requests are posted to; raises `InvalidInputError` for a base URL that leads nowhere."""
    try:
        return Place.parse((provider.base_url or _IN_PROCESS).rstrip("/") + "/images/generations")
    except PlaceError as error:
        raise InvalidInputError(
            Diagnostic(
                summary="unusable URL",
                detail=f"base_url of provider {provider.name} leads nowhere: {error}",
                hint="as in https://api.example.com/v1",
            )
        ) from None

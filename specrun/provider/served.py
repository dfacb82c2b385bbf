"""Which models a provider says that it serves: `GET /models`."""

import asyncio
import json
import os
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import httpx

from specrun import __version__
from specrun.diagnostics import Diagnostic, SpecrunError
from specrun.model.project import Provider
from specrun.provider.body import BodyError, read_body
from specrun.provider.endpoint import endpoint
from specrun.provider.plain import plain
from specrun.provider.secret import Secret, api_key
from specrun.provider.transport import SocketTransport

_LARGEST: Final = 16 << 20
_TIMEOUT: Final = 60.0
_IMAGES: Final = "/images/generations"


class ModelListError(SpecrunError):
    """A provider that does not say which models it serves."""


async def served_models(
    provider: Provider,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    environ: Mapping[str, str] = os.environ,
) -> tuple[str, ...]:
    """Return the ids in the order given; `transport` stands in for the network.

    Raises `InvalidInputError` without an API key, `ModelListError` where there is no such list.
    """
    secret = api_key(provider, environ)
    url = endpoint(provider).text.removesuffix(_IMAGES) + "/models"
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": f"specrun/{__version__}"}
    if secret is not None:
        headers["Authorization"] = f"Bearer {secret.reveal()}"
    try:
        async with asyncio.timeout(_TIMEOUT), transport or SocketTransport() as open_transport:
            response = await open_transport.handle_async_request(httpx.Request("GET", url, headers=headers))
            try:
                body = await read_body(response, _LARGEST)
            finally:
                await response.aclose()
    except TimeoutError:
        raise _fault(provider, f"no answer in {_TIMEOUT:g} s", secret) from None
    except (httpx.TransportError, BodyError) as error:
        raise _fault(provider, str(error), secret) from error
    if response.status_code != HTTPStatus.OK:
        raise _fault(provider, f"it answered {response.status_code}", secret)
    return _ids(provider, body, secret)


def _ids(provider: Provider, body: bytes, secret: Secret | None) -> tuple[str, ...]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    listed = document.get("data") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise _fault(provider, "it answered with something that is no list of models", secret)
    return tuple(_id(entry) for entry in listed if _id(entry))


def _id(entry: Any) -> str:
    found = entry.get("id") if isinstance(entry, dict) else None
    return found if isinstance(found, str) else ""


def _fault(provider: Provider, cause: str, secret: Secret | None) -> ModelListError:
    return ModelListError(
        Diagnostic(
            summary="no list of models",
            detail=f"provider {provider.name}: {plain(cause, secret)}",
            hint="not every server gives one; check base_url and key, or read its documents",
        )
    )

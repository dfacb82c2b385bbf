"""Request bodies: JSON objects of bounded size."""

import asyncio
import json
from http import HTTPStatus
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect, Request

from specrun.server.errors import ApiError

_SECONDS = 60  # for a whole body to arrive


async def read_body(request: Request, most: int) -> bytes:
    """Return the body; raises `ApiError` 413 as soon as it is known to be over `most` bytes, reading no further."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        _too_large(most)
    received = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.stream():
                received += chunk
                if len(received) > most:
                    _too_large(most)
    except (ClientDisconnect, TimeoutError):
        raise ApiError(
            "the body did not arrive whole in time",
            status=HTTPStatus.REQUEST_TIMEOUT,
            type_="timeout",
            code="timeout",
            headers={"connection": "close"},
        ) from None
    return bytes(received)


def parse_object(data: bytes) -> dict[str, Any]:
    """Return a JSON object; raises `ApiError` for anything else."""
    try:
        value = json.loads(data, parse_constant=_no_constant)
    except RecursionError:
        raise ApiError("the body is nested too deeply") from None
    except ValueError as error:
        raise ApiError(f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ApiError('the body is not a JSON object like {"model": "…", "prompt": "…"}')
    return value


def require_json(request: Request) -> None:
    """Raise `ApiError` 415 unless the content type is JSON: pages of other sites cannot send that unasked."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise ApiError(
            "send the body as Content-Type: application/json",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            code="unsupported_media_type",
        )


def _too_large(most: int) -> NoReturn:
    raise ApiError(
        f"the body is larger than {most:,} bytes",
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        code="body_too_large",
        headers={"connection": "close"},
    )


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")

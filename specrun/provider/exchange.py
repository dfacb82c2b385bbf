"""One POST and whatever comes of it, as evidence; no error of the network escapes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import httpx

from specrun.provider.body import BodyError, read_body
from specrun.provider.reply import Evidence, NoReply, Reply
from specrun.provider.transport import Departure, DepartureError, UntrustedCertificateError

_MIB: Final = 1 << 20
# Four images of 48 MiB in base64; what is larger is no reply to a request for images.
_LARGEST_REPLY: Final = 256 * _MIB
_LARGEST_ERROR: Final = _MIB


async def post(
    transport: httpx.AsyncBaseTransport,
    request: httpx.Request,
    *,
    timeout: float,  # noqa: ASYNC109 (an end of time is evidence here, not an exception)
    before: Callable[[], Awaitable[None]],
) -> Evidence:
    """Send `request` after `before`, and read the reply within `timeout` seconds for all of it.

    Raises what `before` raises; nothing was sent then.
    """
    departure = Departure(before)
    request.extensions["departure"] = departure
    head: httpx.Response | None = None
    try:
        async with asyncio.timeout(timeout):
            head = await transport.handle_async_request(request)
            body = await _read(head)
    except TimeoutError:
        trouble = f"no end of the reply in {timeout:g} s" if departure.left else f"no connection in {timeout:g} s"
    except UntrustedCertificateError as error:
        return NoReply(reason=str(error), left=False, untrusted=True)
    except (httpx.TransportError, BodyError) as error:
        trouble = str(error)
    except DepartureError as error:
        raise (error.__cause__ or error) from None
    else:
        return Reply(status=head.status_code, headers=_lower(head.headers), body=body)
    if head is None:
        return NoReply(reason=trouble, left=departure.left)
    return Reply(status=head.status_code, headers=_lower(head.headers), torn=trouble)


async def _read(response: httpx.Response) -> bytes:
    try:
        return await read_body(response, _LARGEST_REPLY if response.is_success else _LARGEST_ERROR)
    finally:
        await response.aclose()


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}

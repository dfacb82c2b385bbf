"""One POST and whatever comes of it, as evidence; no error of the network escapes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final

import httpx

from specrun.provider.body import BodyError, read_stream
from specrun.provider.inprocess import InProcessTransport
from specrun.provider.reply import Evidence, NoReply, Reply, Trouble
from specrun.provider.transport import (
    Answer,
    Departure,
    DepartureError,
    NoTlsError,
    SocketTransport,
    UntrustedCertificateError,
    UnworkableError,
)

_MIB: Final = 1 << 20
# Four images of 48 MiB in base64; what is larger is no reply to a request for images.
_LARGEST_REPLY: Final = 256 * _MIB
_LARGEST_ERROR: Final = _MIB


async def post(
    transport: SocketTransport | InProcessTransport,
    url: httpx.URL,
    headers: Mapping[str, str],
    content: bytes,
    *,
    timeout: float,  # noqa: ASYNC109 (an end of time is evidence here, not an exception)
    before: Callable[[], Awaitable[None]],
) -> Evidence:
    """Post `content` after `before`, and read the reply within `timeout` seconds for all of it.

    Raises what `before` raises; nothing was sent then.
    """
    departure = Departure(before)
    head: Answer | None = None
    kind, lost, late = Trouble.PASSING, False, False
    try:
        async with asyncio.timeout(timeout):
            head = await transport.post(url, headers, content, departure)
            body = await _read(head)
    except TimeoutError:
        late = True
        trouble = f"no end of the reply in {timeout:g} s" if departure.left else f"no connection in {timeout:g} s"
        kind = Trouble.PASSING if departure.left else Trouble.UNREACHED
    except (httpx.TransportError, BodyError) as error:
        trouble, kind, lost = str(error), _trouble(error), isinstance(error, httpx.ReadError)
    except DepartureError as error:
        raise (error.__cause__ or error) from None
    except Exception as error:  # noqa: BLE001 (whatever a reply makes raise is evidence, and that request's alone)
        trouble, kind = f"the reply cannot be read ({type(error).__name__})", Trouble.UNWORKABLE
    else:
        return Reply(status=head.status, headers=head.headers, body=body)
    if head is None and departure.left and lost and await transport.only_tls(url):
        return NoReply(
            reason=f"the server at {url.netloc.decode()} speaks only TLS", left=True, trouble=Trouble.ONLY_TLS
        )
    if head is None:
        return NoReply(reason=trouble, left=departure.left, trouble=kind, late=late)
    return Reply(status=head.status, headers=head.headers, torn=trouble, late=late)


def _trouble(error: httpx.TransportError | BodyError) -> Trouble:
    match error:
        case UntrustedCertificateError():
            return Trouble.UNTRUSTED
        case NoTlsError():
            return Trouble.NO_TLS
        case UnworkableError():
            return Trouble.UNWORKABLE
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return Trouble.UNREACHED
        case _:
            return Trouble.PASSING


async def _read(answer: Answer) -> bytes:
    most = _LARGEST_REPLY if answer.status // 100 == HTTPStatus.OK // 100 else _LARGEST_ERROR
    try:
        return await read_stream(answer.body, answer.headers, most)
    finally:
        await answer.body.aclose()

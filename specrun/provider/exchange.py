"""One POST and whatever comes of it, as evidence; no error of the network escapes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final

import httpx

from specrun.provider.body import BodyError, read_stream
from specrun.provider.inprocess import InProcessTransport
from specrun.provider.reply import Evidence, NoReply, Reply
from specrun.provider.transport import Answer, Departure, DepartureError, SocketTransport, UntrustedCertificateError

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
    late = False
    try:
        async with asyncio.timeout(timeout):
            head = await transport.post(url, headers, content, departure)
            body = await _read(head)
    except TimeoutError:
        late = True
        trouble = f"no end of the reply in {timeout:g} s" if departure.left else f"no connection in {timeout:g} s"
    except UntrustedCertificateError as error:
        return NoReply(reason=str(error), left=False, untrusted=True)
    except (httpx.TransportError, BodyError) as error:
        trouble = str(error)
    except DepartureError as error:
        raise (error.__cause__ or error) from None
    else:
        return Reply(status=head.status, headers=head.headers, body=body)
    if head is None:
        return NoReply(reason=trouble, left=departure.left, late=late)
    return Reply(status=head.status, headers=head.headers, torn=trouble, late=late)


async def _read(answer: Answer) -> bytes:
    most = _LARGEST_REPLY if answer.status // 100 == HTTPStatus.OK // 100 else _LARGEST_ERROR
    try:
        return await read_stream(answer.body, answer.headers, most)
    finally:
        await answer.body.aclose()

"""Answers that go wrong on their way, for rehearsing trouble."""

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

CLOSE = "specrun.close"
"""The ASGI extension, given by `protocol.Protocol`, that closes a request's connection."""


class BrokenOff(Response):
    """Says how long it is, sends the first `share` of itself (0 to 1; 0 sends not even a status), and is gone."""

    def __init__(self, content: bytes, *, share: float, media_type: str) -> None:
        super().__init__(content, media_type=media_type)
        self._share = share

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what there is to send, then close the connection."""
        if self._share:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            part = bytes(self.body[: int(len(self.body) * self._share)])
            await send({"type": "http.response.body", "body": part, "more_body": True})
        close = scope.get("extensions", {}).get(CLOSE)
        if close is None:
            raise ConnectionAbortedError("the answer was lost on purpose")
        close()
        while (await receive())["type"] != "http.disconnect":
            pass

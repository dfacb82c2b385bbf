"""One line of JSON for each request."""

import json
import time
import traceback
from datetime import UTC, datetime
from typing import Any, TextIO

from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOTES = "specrun.notes"
"""Where in an ASGI scope endpoints leave what the log should say of a request."""


class AccessLog:
    """ASGI middleware that writes who asked what, what came of it, how long it took, what was billed, what failed."""

    def __init__(self, app: ASGIApp, stream: TextIO) -> None:
        self._app = app
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and write its line once it is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        notes: dict[str, Any] = {}
        scope[NOTES] = notes
        sent: dict[str, Any] = {"status": None, "bytes": 0}
        started = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent["status"] = message["status"]
            else:
                sent["bytes"] += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except Exception as error:
            sent["status"] = sent["status"] or 500  # the answer that nobody else has given
            notes["error"] = "".join(traceback.format_exception(error))
            raise
        finally:
            client = scope.get("client")
            line = {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "request_id": scope.get("specrun.request_id"),
                "client": client[0] if client else None,
                "method": scope["method"],
                "path": scope["path"],
                **sent,
                "ms": round((time.perf_counter() - started) * 1000, 1),
                **notes,
            }
            # ASCII only, so that nothing in a path is executed by a terminal.
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()

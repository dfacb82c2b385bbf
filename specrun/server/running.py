"""A server on a port, until it is told to stop."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from specrun.server.protocol import Protocol

_HEADER_BYTES = 64 * 1024
_MOST_CONNECTIONS = 1000
_IDLE_SECONDS = 65  # longer than clients and proxies keep a connection, lest one is closed as a request leaves on it
_SECONDS_TO_FINISH = 300


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, for port 0 at any free one; raises `OSError` where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's delays off only where a socket says that it is TCP, which create_server's do not.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_MOST_CONNECTIONS)
    except OSError:
        listener.close()
        raise
    return listener


def run(app: ASGIApp, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; what is under way is finished first, unless a second signal comes.

    `ready` is called once requests are answered and signals are heeded.
    """
    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="critical",  # the access log tells of failures, and clients of what is wrong with their requests
        server_header=False,
        h11_max_incomplete_event_size=_HEADER_BYTES,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
        proxy_headers=False,
    )
    asyncio.run(_Server(config, ready).serve(sockets=[listener]))


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal, and let that be the end of it: being told to stop is how a server ends well."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

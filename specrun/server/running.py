"""A server on a port, until it is told to stop."""

import asyncio
import socket
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from specrun.server.protocol import Protocol

_HEADER_BYTES = 64 * 1024
_MOST_CONNECTIONS = 1000
_IDLE_SECONDS = 5
_SECONDS_TO_FINISH = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where to listen; port 0 takes any free one."""

    host: str
    port: int


def listen(address: Address) -> socket.socket:
    """Return a listening socket; raises `OSError` where the address cannot be had."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    return socket.create_server((address.host, address.port), family=family, backlog=1024)


def run(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM; what is under way is finished first, unless a second signal comes."""
    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        h11_max_incomplete_event_size=_HEADER_BYTES,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    asyncio.run(server.serve(sockets=[listener]))

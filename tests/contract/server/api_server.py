"""Ways to ask the images API: in-process, and as a process of its own on a port."""

import asyncio
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from starlette.types import ASGIApp

FLUX = "black-forest-labs/FLUX.1-dev"


@dataclass(frozen=True)
class InProcess:
    """Sends requests to an app without a socket."""

    app: ASGIApp

    def __call__(self, *requests: httpx.Request) -> list[httpx.Response]:
        """Send requests at once; return the replies in the same order."""

        async def send() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport) as client:
                return await asyncio.gather(*map(client.send, requests))

        return asyncio.run(send())

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self(httpx.Request("GET", httpx.URL("http://sandbox/").join(path), headers=dashed(headers)))[0]

    def generate(self, body: Any, **headers: str) -> httpx.Response:
        return self(generation(body, **headers))[0]


def generation(body: Any, **headers: str) -> httpx.Request:
    """Return a request for images; `body` is JSON, or bytes to be sent as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": "application/json"} | dashed(headers)
    return httpx.Request("POST", "http://sandbox/v1/images/generations", content=content, headers=sent)


def dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def image_of(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


@dataclass
class Served:
    """`specrun serve` on a free port."""

    process: subprocess.Popen[str]
    url: str
    log: list[dict[str, Any]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def interrupt(self) -> int:
        """Stop it as Ctrl-C does; return its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)


class Start:
    """Starts servers, and stops them after the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[tuple[Served, threading.Thread]] = []

    def __call__(self, *options: str, env: dict[str, str] | None = None) -> Served:
        process = subprocess.Popen(
            [sys.executable, "-m", "specrun", "serve", "--port", "0", "--workers", "1", *options],
            cwd=self._folder,
            env=os.environ | (env or {}),
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        assert process.stderr is not None
        said: list[str] = []
        while not (match := re.search(r"serving .* (http://\S+)", said[-1] if said else "")):
            said.append(process.stderr.readline())
            assert said[-1], "".join(said)
        served = Served(process, match[1], said=said)
        reader = threading.Thread(target=_read, args=(served,))
        reader.start()
        self._started.append((served, reader))
        return served

    def stop(self) -> None:
        for served, reader in self._started:
            served.process.terminate()
            served.process.wait(timeout=30)
            reader.join(timeout=30)
            assert served.process.stderr is not None
            served.process.stderr.close()
            assert "Traceback" not in "".join(served.said)


def _read(served: Served) -> None:
    assert served.process.stderr is not None
    for line in served.process.stderr:
        if line.startswith("{"):
            served.log.append(json.loads(line))
        else:
            served.said.append(line)

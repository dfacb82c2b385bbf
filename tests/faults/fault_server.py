"""An images API on a real socket that does whatever a test tells it to, and counts.

    with FaultServer([status(429), good()]) as server:
        …                                   # the first POST gets 429, all later ones images
        assert server.posts_by_key == {"sha256:….1": 2}

A script is a sequence of behaviours (the last one repeats), or a function from the `Post` to its behaviour, such as
`by_prompt`. A behaviour is a coroutine function that is given the `Exchange`; many are in `faults.py`. The server runs
in a thread of its own, so that it serves child processes and event loops alike.
"""

import asyncio
import contextlib
import hashlib
import io
import json
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeAlias

from PIL import Image

# The first byte of who speaks TLS to a server that does not: what servers answer is HTTP.
_TLS = b"\x16"

Behaviour: TypeAlias = "Callable[[Exchange], Awaitable[None]]"
Script: TypeAlias = "Sequence[Behaviour] | Callable[[Post], Behaviour]"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it came in; header names in lower case, `at` in seconds of the server's clock."""

    method: str
    target: str
    headers: Mapping[str, str]
    content: bytes
    at: float


@dataclass(frozen=True, kw_only=True)
class Post(Asked):
    """A request for images; `number` counts them from 1."""

    number: int

    @property
    def body(self) -> dict[str, Any]:
        document = json.loads(self.content)
        assert isinstance(document, dict)
        return document

    @property
    def prompt(self) -> str:
        return str(self.body.get("prompt", ""))

    @property
    def images(self) -> int:
        return int(self.body.get("n", 1))

    @property
    def key(self) -> str:
        return self.headers.get("idempotency-key", "")


@dataclass
class Stored:
    """What a GET is answered with: first with each of `statuses`, then `tears` times with a part of the content."""

    content: bytes
    media_type: str
    statuses: list[int] = field(default_factory=list)
    tears: int = 0
    endless: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


class FaultServer:
    """The server: `base_url` to be asked at, and what it has seen: `posts`, `gets`, `billed` images by key."""

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started = threading.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self.port = 0
        self.posts: list[Post] = []
        self.gets: list[Asked] = []
        self.billed: Counter[str] = Counter()
        self.files: dict[str, Stored] = {}
        self.in_flight = 0
        self.most_in_flight = 0
        self.connections = 0
        # As many of the next connections are reset while their request waits to be read.
        self.unread_resets = 0

    @property
    def origin(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    @property
    def posts_by_key(self) -> Counter[str]:
        return Counter(post.key for post in self.posts)

    @property
    def images_billed(self) -> int:
        return self.billed.total()

    def store(self, path: str, content: bytes, media_type: str = "image/png", **kwargs: Any) -> str:
        """Serve `content` at `path`; return its URL."""
        self.files[path] = Stored(content, media_type, **kwargs)
        return self.origin + path

    def drop_connections(self) -> None:
        """Close every connection, idle or not, and return when that is done; for other threads than the server's."""

        async def drop() -> None:
            for task in list(self._connections):
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(drop(), self._loop).result()

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server, unless it has ended, and return when nobody listens any more."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=1 << 26, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        # asyncio forgets a connection that it is accepting while the server closes, so those come in first.
        await asyncio.sleep(0.005)
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in self._connections:
                task.cancel()
            await asyncio.wait(tasks)
        server.close()
        await asyncio.sleep(0)
        await server.wait_closed()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._attend(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        # A task that is cancelled before its first step closes nothing itself.
        task.add_done_callback(lambda _task: writer.close())

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            if self.unread_resets:
                self.unread_resets -= 1
                await _reset_unread(writer)
                return
            while not writer.is_closing():
                await self._answer(await _read(reader, writer), reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass

    async def _answer(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if asked.method == "GET":
            self.gets.append(asked)
            await self._send_file(asked, writer)
            return
        post = Post(number=len(self.posts) + 1, **vars(asked))
        self.posts.append(post)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self._behaviour(post)(Exchange(server=self, post=post, reader=reader, writer=writer))
        finally:
            self.in_flight -= 1

    def _behaviour(self, post: Post) -> Behaviour:
        if callable(self._script):
            return self._script(post)
        return self._script[min(post.number, len(self._script)) - 1]

    async def _send_file(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        stored = self.files.get(asked.target)
        if stored is None:
            await respond(writer, 404, b"no such file", {"content-type": "text/plain"})
        elif stored.statuses:
            await respond(writer, stored.statuses.pop(0), b"", stored.headers)
        elif stored.tears:
            stored.tears -= 1
            writer.write(head(200, {"content-length": str(len(stored.content))}) + stored.content[:20])
            await writer.drain()
            reset(writer)
        elif stored.endless:
            writer.write(head(200, {"content-type": stored.media_type}))
            while True:
                writer.write(bytes(1 << 16))
                await writer.drain()
        else:
            await respond(writer, 200, stored.content, {"content-type": stored.media_type, **stored.headers})


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One POST and the connection it came by."""

    server: FaultServer
    post: Post
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def bill(self, images: int | None = None) -> None:
        """Charge for the images asked for, or for as many as said."""
        self.server.billed[self.post.key] += self.post.images if images is None else images

    async def reply(self, status: int, document: Any, headers: Mapping[str, str] | None = None) -> None:
        """Answer with JSON."""
        content = json.dumps(document).encode()
        await respond(self.writer, status, content, {"content-type": "application/json", **(headers or {})})

    def pictures(self, kind: str = "PNG") -> list[bytes]:
        """Return as many pictures as were asked for."""
        return [
            picture(f"{self.post.prompt} {self.post.body.get('seed')} {index}", kind)
            for index in range(self.post.images)
        ]


def by_prompt(behaviours: Mapping[str, Sequence[Behaviour]], otherwise: Behaviour) -> Callable[[Post], Behaviour]:
    """Return a script: a POST whose prompt holds one of the words gets that word's next behaviour, the last repeats."""
    seen: Counter[str] = Counter()

    def choose(post: Post) -> Behaviour:
        for word, steps in behaviours.items():
            if word in post.prompt:
                seen[word] += 1
                return steps[min(seen[word], len(steps)) - 1]
        return otherwise

    return choose


async def respond(
    writer: asyncio.StreamWriter, status: int, content: bytes, headers: Mapping[str, str] | None = None
) -> None:
    """Write a whole, well-formed reply."""
    writer.write(head(status, {"content-length": str(len(content)), **(headers or {})}) + content)
    await writer.drain()


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Return a status line and headers."""
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Odd"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with RST, as a crashed process or a firewall does."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _reset_unread(writer: asyncio.StreamWriter) -> None:
    transport = writer.transport
    assert isinstance(transport, asyncio.ReadTransport)
    transport.pause_reading()
    with writer.get_extra_info("socket").dup() as sock:
        while not _has_data(sock):  # noqa: ASYNC110 (there is no event for data that nobody reads)
            await asyncio.sleep(0.001)
    reset(writer)


def _has_data(sock: socket.socket) -> bool:
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False


def picture(text: str, kind: str = "PNG") -> bytes:
    """Return a small picture that differs with the text."""
    digest = hashlib.sha256(text.encode()).digest()
    image = Image.frombytes("RGB", (2, 5), digest[:30]).resize((48, 40), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Asked:
    first = await reader.readexactly(1)
    if first == _TLS:
        await respond(writer, 400, b"")
        raise ConnectionError
    raw = first + await reader.readuntil(b"\r\n\r\n")
    start, *lines = raw.decode("latin-1").rstrip().split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    method, target, _ = start.split(" ")
    content = await reader.readexactly(int(headers.get("content-length", "0")))
    at = asyncio.get_running_loop().time()
    return Asked(method=method, target=target, headers=headers, content=content, at=at)

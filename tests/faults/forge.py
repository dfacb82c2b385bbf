"""The little of GitHub's and GitLab's APIs that comments need, on loopback."""

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from email import policy
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Forge(ThreadingHTTPServer):
    """Holds comments: `comments` maps an id to an author's type and a text."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.comments: dict[int, tuple[str, str]] = {}
        self.tokens: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Forge

    def do_GET(self) -> None:
        page = re.search(r"[?&]page=(\d+)", self.path)
        # Two a page, so that paging is tried.
        start = 2 * (int(page[1]) - 1) if page else 0
        listed = sorted(self.server.comments.items())
        shown = listed[start : start + 2] if page else listed
        self._answer([{"id": number, "user": {"type": kind}, "body": body} for number, (kind, body) in shown])

    def do_POST(self) -> None:
        self._write(1 + max(self.server.comments, default=0))

    def do_PATCH(self) -> None:
        self._write(int(self.path.rpartition("/")[2]))

    def do_PUT(self) -> None:
        self.do_PATCH()

    def _write(self, number: int) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.headers["Content-Type"]
        if kind.startswith("multipart/form-data"):
            message = BytesParser(policy=policy.default).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + data)
            (part,) = message.iter_parts()
            assert 'name="body"' in part["Content-Disposition"]
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            body = content.decode()
        else:
            body = json.loads(data)["body"]
        self.server.comments[number] = ("Bot", body)
        self._answer({"id": number})

    def _answer(self, document: Any) -> None:
        self.server.tokens.add(self.headers["Authorization"] or self.headers["PRIVATE-TOKEN"])
        data = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Stay quiet."""


@contextlib.contextmanager
def forge() -> Iterator[Forge]:
    """Run it until the end of the block."""
    with Forge() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

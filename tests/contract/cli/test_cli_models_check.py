"""`specrun models --check`: what a provider serves beside what is described here."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Lister(BaseHTTPRequestHandler):
    """Answers with what the test put into the server."""

    def do_GET(self) -> None:
        server: Any = self.server
        server.asked.append((self.path, self.headers.get("Authorization")))
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(server.body)))
        self.end_headers()
        self.wfile.write(server.body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Lister) as found:
        found.status, found.body, found.asked = 200, b"", []  # type: ignore[attr-defined] # for the handler
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def project(specrun: Any, server: Any) -> None:
    port = server.server_address[1]
    text = f"provider: own\nproviders: {{own: {{base_url: 'http://127.0.0.1:{port}/v1', api_key_env: OWN_KEY}}}}\n"
    (specrun.folder / "specrun.yaml").write_text(text)


def test_the_sandbox_serves_what_is_described(specrun: Any) -> None:
    out = specrun("models", "--check", "--provider", "sandbox").out
    served, described = (int(word) for word in out.split() if word.isdecimal())
    assert served == described


def test_what_only_one_side_knows_is_listed(specrun: Any, server: Any) -> None:
    project(specrun, server)
    known = "black-forest-labs/FLUX.1-dev"
    server.body = json.dumps({"data": [{"id": known}, {"id": "new/one\u001b[31m"}, {"name": "no id"}]}).encode()
    out = specrun("models", "--check", env={"OWN_KEY": "k"}).out
    assert out.startswith("own serves 2 models; 1 of them are described here\n")
    assert "served, not described here (add a schema to use one):\n  new/one\\x1b[31m\n" in out
    assert f"  {known}\n" not in out
    assert server.asked == [("/v1/models", "Bearer k")]


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (404, b"", "it answered 404"),
        (200, b"<html>", "it answered with something that is no list of models"),
        (200, b'{"data": {}}', "it answered with something that is no list of models"),
    ],
)
def test_a_server_without_a_list_is_told_as_that(specrun: Any, server: Any, status: int, body: bytes, why: str) -> None:
    project(specrun, server)
    server.status, server.body = status, body
    assert f"provider own: {why}" in specrun("models", "--check", code=1, env={"OWN_KEY": "secret"}).err


def test_no_server_no_key_and_no_such_provider_are_told(specrun: Any, server: Any) -> None:
    project(specrun, server)
    assert "OWN_KEY, which is not set" in specrun("models", "--check", code=1).err
    server.server_close()
    server.shutdown()
    assert "no connection to 127.0.0.1" in specrun("models", "--check", code=1, env={"OWN_KEY": "k"}).err
    assert "known: ark, modelverse, own, sandbox" in specrun("models", "--check", "--provider", "x", code=64).err
    assert "add --check" in specrun("models", "--provider", "x", code=64).err

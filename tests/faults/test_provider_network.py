"""TLS and proxies between here and the provider."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from asking import KEY, Recorder, ask, request, with_client
from fault_server import FaultServer, picture
from faults import close_after_reading, good, images, raw

from specrun.diagnostics import InvalidInputError
from specrun.provider.client import ImageClient
from specrun.provider.outcome import Doom, Failed, Received, Resend, Settled, Unknown
from specrun.provider.results import Arrived


def certificate(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(tls)
    return tls


def test_a_private_authority_is_trusted_through_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with FaultServer([good()], tls=certificate(authority, "127.0.0.1")) as server:
        assert isinstance(ask(server).settled, Received)


def test_a_certificate_that_nobody_vouches_for_stops_all_before_anything_is_sent() -> None:
    with FaultServer([good()], tls=certificate(trustme.CA(), "127.0.0.1")) as server:
        answer = ask(server, retry_for=30.0)
    assert isinstance(answer.settled, Doom)
    assert answer.settled.cause.startswith(f"the certificate of {server.base_url} is not trusted: ")
    assert "SSL_CERT_FILE" in answer.settled.hint
    assert server.posts == []
    assert ("sent", 1) not in answer.journal.events


def test_a_server_that_does_not_speak_tls_stops_all_at_once_and_gets_no_request() -> None:
    with FaultServer([good()]) as server:
        answer = ask(server, base_url=server.base_url.replace("http", "https"), retry_for=600.0)
    assert answer.settled == Doom(
        cause=f"the server at 127.0.0.1:{server.port} does not speak TLS", hint="http:// in base_url?"
    )
    assert answer.journal.events == [("intended", 1), ("settled", 1)]


@contextlib.contextmanager
def listener(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """Give the port of a server that does something with each connection, and closes it."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                with server.accept()[0] as connection, contextlib.suppress(OSError):
                    answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_server_that_greets_in_another_protocol_does_not_speak_tls() -> None:
    with FaultServer([good()]) as server, listener(lambda connection: connection.sendall(b"SSH-2.0-x\r\n")) as port:
        answer = ask(server, base_url=f"https://127.0.0.1:{port}/v1", retry_for=600.0)
    assert answer.settled == Doom(
        cause=f"the server at 127.0.0.1:{port} does not speak TLS", hint="http:// in base_url?"
    )


def test_a_server_that_breaks_off_the_handshake_is_tried_until_the_time_is_over() -> None:
    with FaultServer([good()]) as server, listener(lambda connection: connection.recv(1)) as port:
        answer = ask(server, base_url=f"https://127.0.0.1:{port}/v1")
    assert isinstance(answer.settled, Doom)
    assert "Operation not permitted" not in answer.settled.cause
    assert f"check base_url, https://127.0.0.1:{port}/v1, and the network" in answer.settled.hint


def test_a_server_that_speaks_only_tls_stops_all_at_once() -> None:
    with FaultServer([good()], tls=certificate(trustme.CA(), "127.0.0.1")) as server:
        answer = ask(server, base_url=server.base_url.replace("https", "http"), retry_for=600.0)
    assert answer.settled == Doom(
        cause=f"the server at 127.0.0.1:{server.port} speaks only TLS", hint="https:// in base_url?"
    )
    assert server.posts == []


@pytest.mark.parametrize(
    "page",
    [
        "<title>400 The plain HTTP request was sent to HTTPS port</title>",
        "Client sent an HTTP request to an HTTPS server.",
        "Reason: You're speaking plain HTTP to an SSL-enabled server port.",
    ],
    ids=["nginx", "Go", "Apache"],
)
def test_what_servers_say_at_a_port_for_tls_is_understood(page: str) -> None:
    with FaultServer([raw(400, page.encode(), headers={"content-type": "text/html"})]) as server:
        answer = ask(server)
    assert isinstance(answer.settled, Doom)
    assert (answer.settled.cause, answer.settled.hint) == (
        f"the server at {server.base_url} speaks only TLS",
        "https:// in base_url?",
    )


def test_a_connection_lost_at_a_server_without_tls_is_unknown_as_ever() -> None:
    with FaultServer([close_after_reading]) as server:
        answer = ask(server)
    assert isinstance(answer.settled, Unknown)
    assert len(server.posts) == 1


def test_a_name_that_does_not_resolve_is_told_as_that_with_its_url_and_a_deadline() -> None:
    with FaultServer([good()]) as server:
        answer = ask(server, base_url="http://no-such-host.invalid/v1")
    assert isinstance(answer.settled, Doom)
    assert answer.settled.cause.startswith("the name of no-such-host.invalid does not resolve; tried ")
    assert answer.settled.hint == "check base_url, http://no-such-host.invalid/v1, and the network; then apply again"
    (first, *_) = answer.journal.outcomes
    assert isinstance(first, Resend)
    assert (first.cause, first.patience) == ("the name of no-such-host.invalid does not resolve", 0.2)


def test_a_server_that_was_reached_before_is_tried_for_all_of_its_time() -> None:
    async def talk(client: ImageClient) -> tuple[Settled, Settled]:
        first = await client.generate(request(1), Recorder())
        await asyncio.to_thread(server.stop)
        return first, await client.generate(request(2), Recorder())

    with FaultServer([good()]) as server:
        first, second = with_client(server, talk)
    assert isinstance(first, Received)
    assert isinstance(second, Failed)
    assert "Connection refused" in second.cause


@pytest.mark.parametrize("base_url", ["https://exa mple/v1", "https://user@api.example/v1", "ftp://api.example/v1"])
def test_a_base_url_that_leads_nowhere_is_named(base_url: str) -> None:
    with FaultServer([good()]) as server, pytest.raises(InvalidInputError) as caught:
        ask(server, base_url=base_url)
    assert "base_url of provider faulty leads nowhere: the URL is not" in str(caught.value)


def test_a_proxy_is_used_for_all_but_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    far = "http://images.example/v1"
    with FaultServer([images(lambda _content: {"url": "http://cdn.example/x.png"})]) as proxy:
        proxy.store("http://cdn.example/x.png", picture("x"))
        monkeypatch.setenv("http_proxy", proxy.origin.replace("//", "//me:word@"))
        monkeypatch.setenv("no_proxy", "")
        answer = ask(proxy, base_url=far)
        assert isinstance(answer.arrivals[0], Arrived)
        with FaultServer([good()]) as near:
            ask(near)
            assert len(near.posts) == 1
    assert [post.target for post in proxy.posts] == [f"{far}/images/generations"]
    assert proxy.posts[0].headers["proxy-authorization"] == "Basic bWU6d29yZA=="
    assert "proxy-authorization" not in near.posts[0].headers
    assert KEY not in str(proxy.gets)


def test_a_private_address_is_not_reached_through_a_proxy_either(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer([images(lambda _content: {"url": "http://169.254.169.254/x.png"})]) as proxy:
        monkeypatch.setenv("http_proxy", proxy.origin)
        answer = ask(proxy, base_url="http://images.example/v1")
    assert "169.254.169.254 is in a private network" in str(answer.arrivals)
    assert proxy.gets == []


def test_a_socks_proxy_is_named_as_what_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1080")
    with FaultServer([good()]) as server, pytest.raises(InvalidInputError) as caught:
        ask(server)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.detail == "the proxy for https URLs does not speak HTTP"

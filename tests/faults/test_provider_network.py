"""TLS and proxies between here and the provider."""

import ssl
from pathlib import Path

import pytest
import trustme
from asking import KEY, ask
from fault_server import FaultServer, picture
from faults import good, images

from specrun.diagnostics import InvalidInputError
from specrun.provider.outcome import Doom, Received
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


def test_a_server_that_says_nothing_when_asked_for_tls_gets_no_request() -> None:
    with FaultServer([good()]) as server:
        answer = ask(server, base_url=server.base_url.replace("http", "https"), timeout=0.3)
    assert isinstance(answer.settled, Doom)
    assert "no connection in 0.3 s" in answer.settled.cause
    assert "check base_url, https://127.0.0.1" in answer.settled.hint
    assert server.posts == []
    assert ("sent", 1) not in answer.journal.events


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

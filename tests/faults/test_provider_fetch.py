"""Input images by URL: fetched over https, from public addresses, whole."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from asking import KEY, QUICK
from fault_server import FaultServer, picture
from faults import good

from specrun.addresses import PrivateAddressError
from specrun.imaging import DecodedImage
from specrun.model.project import Provider
from specrun.provider import guard
from specrun.provider.download import Downloader, DownloadError
from specrun.provider.fetch import fetch_image


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """An https server for localhost and photos.example, whose authority is trusted."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "photos.example").configure_cert(tls)
    with FaultServer([good()], tls=tls) as running:
        yield running


def fetch(url: str, *, base_url: str = "https://api.example/v1", allow_private: bool = True) -> DecodedImage:
    provider = Provider(name="p", base_url=base_url, timeout=5.0, retry_for=0.1, allow_private=allow_private)

    async def run() -> DecodedImage:
        async with Downloader(provider, backoff=QUICK) as downloader:
            return await fetch_image(downloader, url)

    return asyncio.run(run())


def test_an_image_is_fetched_over_https_without_a_key(server: FaultServer) -> None:
    server.store("/a.png?x=%2F", picture("a"))
    image = fetch(f"https://localhost:{server.port}/a.png?x=%2F")
    assert image.data == picture("a")
    (asked,) = server.gets
    assert KEY not in str(asked)
    assert asked.headers["host"] == f"localhost:{server.port}"


def test_the_address_that_was_looked_at_is_the_address_that_is_gone_to(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = []

    async def public(host: str, port: int) -> tuple[str, ...]:
        looked_up.append((host, port))
        return ("127.0.0.1",)

    async def elsewhere(host: str, port: int) -> tuple[str, ...]:
        raise AssertionError("looked up twice")

    monkeypatch.setattr(guard, "resolve_public", public)
    monkeypatch.setattr(guard, "resolve", elsewhere)
    server.store("/a.png", picture("a"))
    image = fetch(f"https://photos.example:{server.port}/a.png", allow_private=False)
    assert image.data == picture("a")
    assert looked_up == [("photos.example", server.port)]
    assert server.gets[0].headers["host"] == f"photos.example:{server.port}"


def test_the_certificate_must_be_for_the_name(server: FaultServer) -> None:
    with pytest.raises(DownloadError, match="IP address mismatch"):
        fetch(f"https://127.0.0.1:{server.port}/a.png")
    assert server.gets == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_private_addresses_are_refused_unless_allowed(server: FaultServer, host: str) -> None:
    with pytest.raises(DownloadError, match="is in a private network"):
        fetch(f"https://{host}:{server.port}/a.png", allow_private=False)
    assert server.gets == []


def test_the_provider_s_own_host_may_be_private(server: FaultServer) -> None:
    server.store("/a.png", picture("a"))
    image = fetch(f"https://localhost:{server.port}/a.png", base_url="http://localhost:1/v1", allow_private=False)
    assert image.data == picture("a")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_into_a_private_network_is_refused(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    async def public_but_for_localhost(host: str, port: int) -> tuple[str, ...]:
        if host == "localhost":
            raise PrivateAddressError("localhost (127.0.0.1) is in a private network")
        return ("127.0.0.1",)

    monkeypatch.setattr(guard, "resolve_public", public_but_for_localhost)
    server.store("/a", b"", statuses=[status], headers={"location": f"https://localhost:{server.port}/b"})
    server.store("/b", picture("b"))
    with pytest.raises(DownloadError, match="is in a private network"):
        fetch(f"https://photos.example:{server.port}/a", allow_private=False)
    assert [asked.target for asked in server.gets] == ["/a"]


def test_http_is_refused_also_behind_a_redirect(server: FaultServer) -> None:
    server.store("/a", b"", statuses=[302], headers={"location": "http://photos.example/b"})
    for url in (f"https://localhost:{server.port}/a", "http://photos.example/b"):
        with pytest.raises(DownloadError, match=r"photos\.example is to be asked over http, where"):
            fetch(url)


def test_http_is_for_the_provider_s_own_host_and_an_allowed_loopback() -> None:
    with FaultServer([good()]) as plain:
        url = plain.store("/a.png", picture("a"))
        assert fetch(url, base_url=plain.base_url, allow_private=False).data == picture("a")
        assert fetch(url, allow_private=True).data == picture("a")
        with pytest.raises(DownloadError, match="over http"):
            fetch(url, allow_private=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "what is there is empty"),
        (b"<html>", "what is there is not a PNG, JPEG, WebP, GIF or AVIF image"),
        (picture("a")[:60], "what is there starts like image/png, but is broken or incomplete"),
    ],
    ids=["nothing", "a page", "half an image"],
)
def test_what_is_no_image_is_refused(server: FaultServer, content: bytes, message: str) -> None:
    server.store("/a.png", content)
    with pytest.raises(DownloadError, match=message):
        fetch(f"https://localhost:{server.port}/a.png")


def test_a_missing_image_is_named_by_its_status(server: FaultServer) -> None:
    with pytest.raises(DownloadError, match="the server of the image answered 404"):
        fetch(f"https://localhost:{server.port}/none.png")
    assert len(server.gets) == 4

import asyncio
import subprocess
from pathlib import Path

import httpx
import pytest
from api_server import FLUX, InProcess, generation

from specrun.catalog.models import Catalog
from specrun.server.app import create_app
from specrun.server.results import Results
from specrun.server.settings import Settings

PNG = b"\x89PNG\r\n\x1a\n"


def make(sandbox: InProcess) -> str:
    reply = sandbox.generate({"model": FLUX, "prompt": "a lamp", "size": "256x256"})
    return str(reply.json()["data"][0]["url"])


def test_result_names_cannot_be_guessed(sandbox: InProcess) -> None:
    names = {make(sandbox).rpartition("/")[2] for _ in range(3)}
    assert len(names) == 3
    assert all(len(name.partition(".")[0]) >= 32 for name in names)


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [
        ("bytes=0-7", 206, slice(0, 8)),
        ("bytes=100-", 206, slice(100, None)),
        ("bytes=-10", 206, slice(-10, None)),
        ("bytes=5-999999999", 206, slice(5, None)),
        ("bytes=999999999-", 416, slice(0, 0)),
        ("bytes=-0", 416, slice(0, 0)),
        ("bytes=8-3", 416, slice(0, 0)),
        ("bytes=0-1,4-5", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
        ("bytes=-", 200, slice(None)),
        (f"bytes={'9' * 5000}-", 200, slice(None)),
    ],
)
def test_parts_of_a_result_can_be_had(sandbox: InProcess, wanted: str, status: int, part: slice) -> None:
    url = make(sandbox)
    whole = sandbox.get(url).content
    reply = sandbox.get(url, range=wanted)
    assert reply.status_code == status
    assert reply.content == whole[part]
    if status == 206:
        start, stop, _ = part.indices(len(whole))
        assert reply.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(whole)}"


def test_a_result_is_kept_by_caches_until_it_expires(sandbox: InProcess) -> None:
    url = make(sandbox)
    reply = sandbox.get(url)
    assert reply.headers["accept-ranges"] == "bytes"
    assert "immutable" in reply.headers["cache-control"]
    assert "expires" in reply.headers
    for known in (reply.headers["etag"], f'"another", {reply.headers["etag"]}', f"W/{reply.headers['etag']}", "*"):
        assert sandbox.get(url, if_none_match=known).status_code == 304
    assert sandbox.get(url, if_none_match='"another"').status_code == 200
    assert sandbox.get(url, range="bytes=0-3", if_range='"another"').status_code == 200


def test_a_head_request_tells_the_size(sandbox: InProcess) -> None:
    url = make(sandbox)
    (reply,) = sandbox(httpx.Request("HEAD", url))
    assert int(reply.headers["content-length"]) == len(sandbox.get(url).content)
    assert reply.content == b""


def test_an_expired_result_is_gone(catalog: Catalog) -> None:
    sandbox = InProcess(create_app(catalog, settings=Settings(url_ttl=0)))
    reply = sandbox.get(make(sandbox))
    assert reply.status_code == 404
    assert "its time is over" in reply.json()["error"]["message"]


@pytest.mark.parametrize("name", ["nothing.png", "..%2f..%2fetc%2fpasswd", "%00", "a/b"])
def test_there_is_nothing_behind_other_names(sandbox: InProcess, name: str) -> None:
    assert sandbox.get(f"/v1/results/{name}").status_code == 404


@pytest.mark.parametrize("on_disk", [False, True])
def test_the_oldest_results_go_when_room_is_needed(tmp_path: Path, on_disk: bool) -> None:
    results = Results(limit=250, ttl=60, folder=tmp_path if on_disk else None)
    names = [results.put(PNG + bytes(92)) for _ in range(5)]
    assert [results.get(name) is not None for name in names] == [False, False, False, True, True]
    assert len(list(tmp_path.iterdir())) == (2 if on_disk else 0)


def test_the_oldest_results_go_when_the_disk_is_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only an administrator may mount a small file system")
    try:
        results = Results(limit=10**6, ttl=60, folder=disk)
        names = [results.put(PNG + bytes(80_000)) for _ in range(4)]
        assert [results.get(name) is not None for name in names] == [False, False, True, True]
        with pytest.raises(OSError, match="No space left"):
            results.put(PNG + bytes(300_000))
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def test_images_that_cannot_be_kept_are_not_billed(catalog: Catalog, tmp_path: Path) -> None:
    app = create_app(catalog, settings=Settings(results=tmp_path / "gone"))

    async def story() -> tuple[httpx.Response, httpx.Response]:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            failed = await client.send(generation({"model": FLUX, "prompt": "a lamp", "size": "256x256"}))
            return failed, await client.get("/healthz")

    failed, health = asyncio.run(story())
    assert failed.status_code == 500
    assert "nothing was billed" in failed.json()["error"]["message"]
    assert health.json()["billed_images"] == 0


def test_expired_results_make_room_as_new_ones_come(tmp_path: Path) -> None:
    clock = [0.0]
    results = Results(limit=10**6, ttl=60, folder=tmp_path, now=lambda: clock[0])
    old = results.put(PNG)
    clock[0] = 61
    new = results.put(PNG)
    assert {path.name for path in tmp_path.iterdir()} == {new}
    assert results.get(old) is None


def test_a_file_that_someone_removed_is_simply_gone(tmp_path: Path) -> None:
    results = Results(limit=10**6, ttl=60, folder=tmp_path)
    name = results.put(PNG)
    (tmp_path / name).unlink()
    assert results.get(name) is None
    assert results.get(name) is None

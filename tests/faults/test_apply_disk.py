"""Disks that are full, or that fail, while what was paid for is on its way to them."""

import asyncio
import base64
import contextlib
import io
import os
import random
import re
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from applying import Shop, numbered
from fault_server import Behaviour, Exchange, FaultServer
from faults import good, images
from msgspec.structs import replace
from PIL import Image

from specrun.apply.events import RunFailed, RunHeld, Stopping
from specrun.model.lock import State
from specrun.store.obstacles import UnwritableError

MEBIBYTE = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 120 MiB, room enough for one image in flight."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=120m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only an administrator may mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def noise() -> bytes:
    """Return a PNG of 400 kB that does not compress."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (365, 365), random.Random(1).randbytes(3 * 365 * 365)).save(buffer, "PNG")
    return buffer.getvalue()


def as_item(content: bytes) -> dict[str, str]:
    return {"b64_json": base64.b64encode(content).decode()}


def fill(folder: Path) -> Path:
    """Leave no byte free."""
    filler = folder / "filler"
    with filler.open("wb") as file, contextlib.suppress(OSError):
        while True:
            os.write(file.fileno(), bytes(MEBIBYTE))
    with filler.open("ab") as file, contextlib.suppress(OSError):
        while True:
            os.write(file.fileno(), b"0")
    return filler


def filling(folder: Path, behaviour: Behaviour) -> Behaviour:
    """Fill the disk between the request and its answer."""

    async def behave(exchange: Exchange) -> None:
        fill(folder)
        await behaviour(exchange)

    return behave


def test_a_disk_that_is_nearly_full_is_noticed_before_money_is_spent(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(60 * MEBIBYTE))
    with FaultServer([good()]) as server:
        shop = Shop(small_disk / "project", server)
        shop.write(shots=numbered(2))
        full = shop.apply()
        (stopping,) = full.told(Stopping)
        assert stopping.cause.startswith("the disk is nearly full")
        assert (full.finished.exit_code, server.posts) == (1, [])
        (small_disk / "filler").unlink()
        assert shop.apply().finished.exit_code == 0


def test_an_image_that_finds_the_disk_full_is_kept_elsewhere_and_the_run_is_held(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    picture = noise()
    with FaultServer([filling(small_disk, images(lambda _: as_item(picture)))]) as server:
        shop = Shop(small_disk / "project", server, {"concurrency": 1})
        shop.write(shots=numbered(3))
        child = shop.start()
        output, errors = child.communicate()
        assert child.returncode == 1, (output, errors)
        assert len(server.posts) == 1
        kept = re.search(r"its bytes are in (\S+);", output + errors)
        assert kept is not None, output
        (image,) = Path(kept[1]).iterdir()
        assert image.read_bytes() == picture
        (small_disk / "filler").unlink()
        server._script = [good()]
        after = shop.apply()
    assert [event.address for event in after.told(RunHeld)] == ["shots[i=1]"]
    assert shop.row("shots[i=1]").state is State.UNKNOWN
    assert after.finished.made == 2
    assert len(server.posts) == 3


def test_where_no_disk_takes_an_image_the_error_names_the_request(tmp_path: Path) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    picture = noise()

    async def named(exchange: Exchange) -> None:
        exchange.bill()
        await exchange.reply(200, {"created": 1, "data": [as_item(picture)]}, {"x-request-id": "req-42"})

    with FaultServer([named]) as server:
        shop = Shop(tmp_path, server, {"concurrency": 1})
        shop.write(shots=numbered(3))
        child = shop.start("shots", before=limited)
        output, errors = child.communicate()
        assert (child.returncode, errors) == (1, ""), (output, errors)
        assert "File too large" in output
        assert "request id req-42" in output
        assert len(server.posts) == 1
        server._script = [good()]
        after = shop.apply()
    assert after.finished.held == ("shots[i=1]",)
    assert len(server.posts) == 3


def test_an_image_that_the_disk_refuses_takes_none_of_those_along_that_came_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    all_here = asyncio.Event()

    async def together(exchange: Exchange) -> None:
        if exchange.server.in_flight == 8:
            all_here.set()
        await all_here.wait()
        behaviour = images(lambda _: as_item(noise())) if exchange.post.prompt == "lamp 3" else good()
        await behaviour(exchange)

    with FaultServer([together]) as server:
        shop = Shop(tmp_path, server, {"concurrency": 8})
        shop.write(shots=numbered(8))
        child = shop.start("shots", before=limited)
        output, errors = child.communicate()
        assert (child.returncode, errors) == (1, ""), (output, errors)
        assert output.count("RunDone(") == 7
        assert "File too large" in output
        assert [row.address for row in shop.lock().rows.values() if row.state] == ["shots[i=3]"]
        after = shop.apply()
    assert (after.finished.requests, after.finished.kept, after.finished.held) == (0, 7, ("shots[i=3]",))
    assert len(server.posts) == 8


def test_a_place_that_cannot_be_written_is_refused_before_any_request(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(1))
        (tmp_path / "outputs").write_bytes(b"a file where a folder should be")
        with pytest.raises(UnwritableError, match="outputs is a file, where a folder should be"):
            shop.apply()
    assert server.posts == []


def test_an_image_that_cannot_be_delivered_waits_in_the_store(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(1))
        plan = shop.plan()
        (action,) = plan.actions
        assert action.run is not None
        run = replace(action.run, outputs=("x" * 300 + ".png",))
        failed = shop.apply_plan(replace(plan, actions=(replace(action, run=run),)))
        (failure,) = failed.told(RunFailed)
        assert "File name too long" in failure.cause
        assert shop.apply().finished.exit_code == 0
    assert len(server.posts) == 1

"""Images that take for ever to decode: the apply ends, its other runs are made, and what was paid for is kept."""

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from applying import KEY, Shop, numbered
from fault_server import Behaviour, Exchange, FaultServer, by_prompt
from faults import good
from hostile_images import jpeg_of_scans

from specrun import apart
from specrun.canonical import digest
from specrun.model.lock import State
from specrun.store.blobs import Blobs


@pytest.fixture(scope="module")
def endless() -> bytes:
    return jpeg_of_scans()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_MOST_CPU", 1)


def gives(data: bytes) -> Behaviour:
    async def give(exchange: Exchange) -> None:
        exchange.bill()
        await exchange.reply(200, {"data": [{"b64_json": base64.b64encode(data).decode()}]})

    return give


def kept(shop: Shop, data: bytes) -> bool:
    return Blobs(shop.root / ".specrun/quarantine").has(digest(data))


@pytest.mark.usefixtures("impatient")
def test_one_image_without_an_end_stops_no_other_run(tmp_path: Path, endless: bytes) -> None:
    with FaultServer(by_prompt({"lamp 1": [gives(endless)]}, good())) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(4))
        applied = shop.apply()
        assert applied.finished.held == ("shots[i=1]",)
        assert [shop.row(f"shots[i={number}]").state for number in range(1, 5)] == [State.UNUSABLE, None, None, None]
        assert kept(shop, endless)
        # It is not looked at, nor asked for, again.
        assert shop.apply().finished.requests == 0
    assert len(server.posts) == 4


@pytest.mark.parametrize("end", [(signal.SIGINT,), (signal.SIGINT, signal.SIGINT), (signal.SIGKILL,)], ids=str)
def test_what_is_being_decoded_outlives_whatever_ends_the_apply(
    tmp_path: Path, endless: bytes, end: tuple[signal.Signals, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultServer([gives(endless)]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(1))
        code = _ended(shop, end, lambda: kept(shop, endless))
        assert code == (-signal.SIGKILL if signal.SIGKILL in end else 130)
        if signal.SIGKILL not in end:
            assert shop.row("shots[i=1]").state is State.UNKNOWN
        monkeypatch.setattr(apart, "_MOST_CPU", 1)
        again = shop.apply()
        assert again.finished.held == ("shots[i=1]",)
        assert shop.row("shots[i=1]").state is State.UNUSABLE
        assert kept(shop, endless)
    assert len(server.posts) == 1


def test_a_heavy_image_that_was_put_aside_is_made_of_it_by_the_next_apply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heavy = jpeg_of_scans(scans=40, side=64)
    with FaultServer([gives(heavy)]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(1))
        with monkeypatch.context() as patched:
            patched.setattr("specrun.imaging.apart", _interrupted)
            shop.apply()
        assert shop.row("shots[i=1]").state is State.UNKNOWN
        again = shop.apply()
        assert again.finished.exit_code == 0
        assert shop.row("shots[i=1]").outputs[0].blob == digest(heavy)
        # It is in the store now.
        assert not kept(shop, heavy)
    assert len(server.posts) == 1


def _interrupted(*_arguments: Any, **_options: Any) -> Any:
    raise apart.EndedError("was interrupted")


def _ended(shop: Shop, signals: tuple[signal.Signals, ...], when: Callable[[], bool]) -> int:
    """Apply in a child, send it signals once something is the case, and return its exit code."""
    with subprocess.Popen(
        [sys.executable, "-m", "specrun", "-C", str(shop.root), "apply", "--yes", "specs/shots.yaml"],
        env=os.environ | {"FAULT_KEY": KEY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert any(when() for _ in _moments())
        first, *second = signals
        child.send_signal(first)
        if second:
            assert child.stderr is not None
            while "once more ends at once" not in child.stderr.readline():
                assert child.poll() is None
            child.send_signal(second[0])
        child.communicate(timeout=60)
    return child.returncode


def _moments() -> Iterator[None]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        yield
        time.sleep(0.02)

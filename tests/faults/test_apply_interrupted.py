"""An apply that is interrupted twice: what had left for the server is accounted for by the lock alone."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from applying import KEY, Shop, numbered
from fault_server import Exchange, FaultServer
from faults import good, slow

from specrun.model.lock import State
from specrun.store.ledger_view import view_ledger


def interrupted_twice(shop: Shop, begun: threading.Event) -> str:
    """Apply in a child, interrupt it once something has begun, and again when it says so; return what it said."""
    with subprocess.Popen(
        [sys.executable, "-m", "specrun", "-C", str(shop.root), "apply", "--yes", "specs/shots.yaml"],
        env=os.environ | {"FAULT_KEY": KEY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert begun.wait(60)
        child.send_signal(signal.SIGINT)
        assert child.stderr is not None
        said = ""
        while "once more ends at once" not in said:
            assert child.poll() is None
            said += child.stderr.readline()
        child.send_signal(signal.SIGINT)
        said += child.communicate(timeout=60)[1]
    assert child.returncode == 130
    return said


def test_what_nobody_answered_is_held_in_the_lock(tmp_path: Path) -> None:
    begun = threading.Event()

    async def silent(exchange: Exchange) -> None:
        exchange.bill()
        begun.set()
        await asyncio.Event().wait()

    with FaultServer([silent]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(1))
        assert "held as unknown" in interrupted_twice(shop, begun)
        # As where the next apply runs on another machine.
        shutil.rmtree(tmp_path / ".specrun")
        again = shop.apply()
    assert (again.finished.requests, again.finished.held) == (0, ("shots[i=1]",))
    assert len(server.posts) == 1


@pytest.mark.parametrize("number", [1, 4, 7, 10, 13])
def test_another_machine_asks_for_nothing_that_had_left(tmp_path: Path, number: int) -> None:
    begun = threading.Event()

    async def answer(exchange: Exchange) -> None:
        if exchange.post.prompt == f"lamp {number}":
            begun.set()
        await slow(0.01 * (number % 3), good())(exchange)

    with FaultServer([answer]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(60))
        interrupted_twice(shop, begun)
        left = {post.prompt for post in server.posts}
        here = shop.plan()
        rows = json.loads((tmp_path / "specs/shots.lock.json").read_text())["runs"]
        told = {row["params"]["prompt"] for row in rows if row["outputs"] or "state" in row}
        # What was sent and had not come to the server yet is held as well.
        assert left <= told
        with view_ledger(tmp_path / ".specrun/ledger.db") as ledger:
            received = {each.intent.address for each in ledger.history("specs/shots.yaml") if each.images}
        delivered = {row["address"]: row["outputs"][0]["path"] for row in rows if row["outputs"]}
        assert delivered.keys() == received
        assert all(shop.output(path).is_file() for path in delivered.values())
        shop.apply()
        made = server.images_billed
    assert here.totals.requests == 60 - len(told)
    assert made == len({post.prompt for post in server.posts})
    assert len(server.posts) == len({post.prompt for post in server.posts})


def test_what_had_not_left_keeps_its_image_of_an_earlier_request(tmp_path: Path) -> None:
    begun = threading.Event()

    async def silent(exchange: Exchange) -> None:
        begun.set()
        await asyncio.Event().wait()

    with FaultServer([good(), good(), silent]) as server:
        shop = Shop(tmp_path, server, {"concurrency": 1})
        shop.write(shots=numbered(2))
        shop.apply()
        before = shop.row("shots[i=2]")
        shop.write(shots=numbered(2, prompt="rug {{ i }}"))
        interrupted_twice(shop, begun)
        assert shop.row("shots[i=2]") == before
        assert shop.row("shots[i=1]").state is State.UNKNOWN

"""`specrun apply --executor ray` as a command: its own Ray, its messages, its end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from applying import KEY, Shop, killed, numbered
from fault_server import FaultServer
from faults import good, slow
from ray_cluster import RayCluster

WITHOUT_RAY = "import sys; sys.modules['ray'] = None; from specrun.cli.main import run; run()"
NO_EXTRA = """\
error: extra not installed
  --executor ray hands requests to Ray, which is not installed
  hint: pip install 'specrun[ray]'
"""
NO_CLUSTER = """\
error: no Ray cluster
  no Ray at 127.0.0.1:9 that can be used: Connection refused
  hint: --address is the host:port that `ray start --head` named; a token, if it wants one, goes in RAY_AUTH_TOKEN
"""
START = (sys.executable, "-m", "specrun")


def started(shop: Shop, *arguments: str, command: Sequence[str] = START) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*command, "apply", "--yes", *arguments, "specs/shots.yaml"],
        cwd=shop.root,
        env={**os.environ, "FAULT_KEY": KEY, "HOME": str(shop.root.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(shop: Shop, *arguments: str, command: Sequence[str] = START) -> tuple[int, str]:
    child = started(shop, *arguments, command=command)
    _, errors = child.communicate(timeout=100)
    return child.returncode, errors


def test_an_interruption_finishes_what_is_under_way_and_the_next_apply_goes_on(tmp_path: Path) -> None:
    with FaultServer([slow(2, good())]) as server:
        shop = Shop(tmp_path / "project", server, {"concurrency": 4})
        shop.write(shots=numbered(12))
        child = started(shop, "--executor", "ray")
        deadline = time.monotonic() + 60
        while len(server.posts) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        # As the terminal does it: everyone in the group hears of it, Ray's processes too.
        os.killpg(child.pid, signal.SIGINT)
        said, errors = child.communicate(timeout=60)
        assert child.returncode == 130, (said, errors)
        assert "4 images made" in said
        assert KEY not in said + errors
        assert len(server.posts) == 4
        assert shop.apply().finished.made == 8
    assert len(server.posts) == 12
    assert set(server.posts_by_key.values()) == {1}
    # Nothing of Ray is left running, or lies about where the user works.
    assert subprocess.run(["pgrep", "-g", str(child.pid)], stdout=subprocess.DEVNULL, check=False).returncode == 1
    assert {path.name for path in tmp_path.iterdir()} == {"project"}
    assert {path.name for path in shop.root.iterdir()} == {".specrun", "outputs", "specrun.yaml", "specs"}


def test_a_driver_that_is_killed_leaves_requests_that_nobody_sends_again(tmp_path: Path, machines: RayCluster) -> None:
    with FaultServer([slow(1, good())]) as server:
        shop = Shop(tmp_path, server, {"concurrency": 4})
        shop.write(shots=numbered(8))
        child = started(shop, "--executor", "ray", "--address", machines.address)
        deadline = time.monotonic() + 60
        while len(server.posts) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        killed(child)
        while machines.workers():
            time.sleep(0.05)
        assert len(server.posts) == 4
        again = shop.apply()
        assert (again.finished.made, len(again.finished.held)) == (4, 4)
    assert len(server.posts) == 8
    assert set(server.posts_by_key.values()) == {1}


def test_without_a_cluster_asked_for_ray_is_not_needed(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(2))
        assert ended(shop, command=(sys.executable, "-c", WITHOUT_RAY))[0] == 0


def test_an_address_where_no_cluster_is_fails_soon_and_says_so(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(2))
        began = time.monotonic()
        code, errors = ended(shop, "--executor", "ray", "--address", "127.0.0.1:9")
        assert time.monotonic() - began < 30
    assert (code, errors) == (1, NO_CLUSTER)
    assert server.connections == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--address", "127.0.0.1:6379"), "it goes with --executor ray"),
        (("--executor", "ray", "--address", "ray://head:10001"), "is for Ray's remote client; run this on a machine"),
        (("--executor", "ray", "--address", "head"), "'head' is not a HOST:PORT like 10.0.0.1:6379"),
        (("--executor", "spark"), "'spark' is not one of 'local', 'ray'"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(tmp_path: Path, arguments: tuple[str, ...], reason: str) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(2))
        code, errors = ended(shop, *arguments)
    assert code == 64
    assert reason in errors


def test_without_the_extra_the_user_is_told_what_to_install(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(2))
        code, errors = ended(shop, "--executor", "ray", command=(sys.executable, "-c", WITHOUT_RAY))
    assert (code, errors) == (64, NO_EXTRA)

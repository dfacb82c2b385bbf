"""Requests that leave from a Ray cluster: what one machine would make, and no more risk to what is paid for."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from applying import KEY, Applied, Shop, numbered
from fault_server import FaultServer, by_prompt
from faults import error, good, linked, slow
from msgspec.structs import replace
from ray_cluster import RayCluster

from specrun.apply.budget import OverBudgetError
from specrun.apply.events import RunHeld
from specrun.apply.options import ApplyOptions
from specrun.catalog.load import load_catalog
from specrun.cli.wiring import client_factory_on
from specrun.cluster.start import Cluster
from specrun.model.lock import State
from specrun.model.plan import Plan
from specrun.model.project import Budget
from specrun.store.blobs import Blobs

EDIT = "black-forest-labs/Flux-Kontext-Pro"


def apply_on(cluster: Cluster, shop: Shop, plan: Plan | None = None, **options: Any) -> Applied:
    catalog = load_catalog(shop.project().schemas)
    how = ApplyOptions(**options)
    place = shop.place()
    store = Blobs(place.state / "rehearsal" / "store") if how.rehearse else place.blobs()
    return shop.apply_plan(plan or shop.plan(), how, client_factory_on(cluster, catalog, store))


def test_lock_manifest_and_images_are_those_of_one_machine(
    tmp_path: Path, cluster: Cluster, machines: RayCluster
) -> None:
    jobs: dict[str, Any] = {
        "shots": numbered(6),
        "four": numbered(2, params={"n": 4}, prompt="linked {{ i }}"),
        "edits": {
            "model": EDIT,
            "prompt": "edit {{ of }}",
            "matrix": {"of": [1, 2]},
            "params": {"image": "{{ output('shots', i=of) }}"},
        },
    }
    with FaultServer(by_prompt({"linked": [linked()]}, good())) as server:
        alone, together = Shop(tmp_path / "alone", server), Shop(tmp_path / "together", server)
        for shop in (alone, together):
            shop.write(**jobs)
        assert alone.apply().finished.exit_code == 0
        posts = len(server.posts)
        applied = apply_on(cluster, together)
        assert (applied.finished.exit_code, applied.finished.made) == (0, 16)
        assert len(server.posts) == 2 * posts
        assert together.written() == alone.written()
        assert apply_on(cluster, together).finished.requests == 0
    assert stored(together) == stored(alone)
    for folder in (together.root, machines.folder):
        assert [path for path in files_below(folder) if KEY.encode() in path.read_bytes()] == []


def stored(shop: Shop) -> set[str]:
    return {blob for blob, _ in shop.place().blobs().all()}


def files_below(folder: Path) -> list[Path]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    assert found
    return found


def test_what_a_killed_worker_had_under_way_is_unknown_and_never_sent_again(
    tmp_path: Path, cluster: Cluster, machines: RayCluster
) -> None:
    with FaultServer([slow(1.5, good())] * 8 + [good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(20))
        with killing(machines, when=lambda: len(server.posts) == 8):
            applied = apply_on(cluster, shop)
        under_way = {post.prompt for post in server.posts[:8]}
        assert len(server.posts) == 20
        assert set(server.posts_by_key.values()) == {1}
        held = {row.address for row in shop.lock().rows.values() if row.state is State.UNKNOWN}
        assert 0 < len(held) < 8
        assert {f"lamp {address.removeprefix('shots[i=').removesuffix(']')}" for address in held} <= under_way
        assert set(applied.finished.held) == held
        assert {event.cause for event in applied.told(RunHeld)} == {
            "its worker was lost while the request was under way"
        }
        assert applied.finished.made == 20 - len(held)
        again = apply_on(cluster, shop)
        assert (again.finished.requests, set(again.finished.held)) == (0, held)
    assert len(server.posts) == 20


def test_no_limit_is_passed_by_all_workers_together(tmp_path: Path, cluster: Cluster) -> None:
    with FaultServer([slow(0.3, good())]) as server:
        shop = Shop(tmp_path, server, {"concurrency": 3})
        shop.write(shots=numbered(12))
        with pytest.raises(OverBudgetError, match="asks for 12 images; the limit is 11"):
            apply_on(cluster, shop, budget=Budget(images=11))
        assert server.posts == []
        assert apply_on(cluster, shop, budget=Budget(images=12)).finished.made == 12
    assert server.most_in_flight == 3


def test_a_rate_is_that_of_all_workers_together(tmp_path: Path, cluster: Cluster) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server, {"concurrency": 3, "rpm": 120})
        shop.write(shots=numbered(7))
        assert apply_on(cluster, shop).finished.made == 7
    # Three seconds, but for the time that the first one was on its way; each for itself, three workers take one.
    first, *_, last = (post.at for post in server.posts)
    assert last - first > 2


def test_requests_beyond_what_the_plan_counted_stop_at_the_limit(tmp_path: Path, cluster: Cluster) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(8))
        plan = replace(shop.plan(), totals=shop.plan(targets=("shots[i=1]",)).totals)
        applied = apply_on(cluster, shop, plan, budget=Budget(images=3))
    assert len(server.posts) == 3
    assert (applied.finished.made, applied.finished.not_started) == (3, 5)


def test_a_pause_that_the_server_asks_one_worker_for_is_kept_by_all(tmp_path: Path, cluster: Cluster) -> None:
    with FaultServer([error(429, "rate", headers={"retry-after": "2"}), slow(1, good())]) as server:
        shop = Shop(tmp_path, server, {"concurrency": 2})
        shop.write(shots=numbered(6))
        applied = apply_on(cluster, shop)
    assert (applied.finished.exit_code, applied.finished.made) == (0, 6)
    assert len(server.posts) == 7
    refused, *others = server.posts
    # The second was on its way already, and while it is all workers learn of the pause.
    assert len([post for post in others if post.at - refused.at < 1.9]) <= 1


def test_a_rehearsal_draws_on_the_workers(tmp_path: Path, cluster: Cluster) -> None:
    with FaultServer([good()]) as server:
        alone, together = Shop(tmp_path / "alone", server), Shop(tmp_path / "together", server)
        for shop in (alone, together):
            shop.write(shots=numbered(4))
        alone.apply_plan(alone.plan(), ApplyOptions(rehearse=True))
        assert apply_on(cluster, together, rehearse=True).finished.made == 4
    assert server.connections == 0
    drawn = [
        {blob for blob, _ in Blobs(shop.root / ".specrun" / "rehearsal" / "store").all()} for shop in (alone, together)
    ]
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 4


class killing:  # noqa: N801 (reads as what it does)
    """Kill a worker, once `when` says so, while something goes on."""

    def __init__(self, machines: RayCluster, when: Callable[[], bool]) -> None:
        self._machines = machines
        self._when = when
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _run(self) -> None:
        deadline = time.monotonic() + 60
        while not self._when() and time.monotonic() < deadline:
            time.sleep(0.01)
        self._machines.kill_worker()

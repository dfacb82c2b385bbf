"""What the driver learns of requests on workers that are lost at the worst moments, or that see no store."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from asking import request
from carrying import at_once, carried
from fault_server import FaultServer
from faults import good, linked, raw, slow
from ray_cluster import RayCluster

from specrun.cluster.start import Cluster, ClusterError
from specrun.provider.courier import Courier
from specrun.provider.outcome import Doom, Received, Resend, Unknown
from specrun.provider.results import Arrived, Kept, Lost, Missing, Unusable
from specrun.store.blobs import Blobs


def test_a_request_whose_worker_is_lost_before_it_was_told_to_send_was_not_sent(
    tmp_path: Path, cluster: Cluster, machines: RayCluster
) -> None:
    async def before() -> None:
        await asyncio.to_thread(machines.kill_worker)
        # Until the driver knows, it must take a request that it lets go for sent.
        await asyncio.sleep(1)

    async def talk(courier: Courier) -> None:
        assert await courier.send(request(), before) == Resend(cause="its worker was lost before it was sent")
        assert isinstance(await courier.send(request(), at_once), Doom)

    with FaultServer([good()]) as server:
        carried(cluster, server, tmp_path, talk)
    assert server.posts == []


def test_a_request_whose_worker_is_lost_once_it_was_told_to_send_is_unknown(
    tmp_path: Path, cluster: Cluster, machines: RayCluster
) -> None:
    async def talk(courier: Courier) -> None:
        sending = asyncio.create_task(courier.send(request(), at_once))
        while not server.posts:  # noqa: ASYNC110 (the server lives in another thread)
            await asyncio.sleep(0.01)
        await asyncio.to_thread(machines.kill_worker)
        assert await sending == Unknown(cause="its worker was lost while the request was under way")

    with FaultServer([slow(2, good())]) as server:
        carried(cluster, server, tmp_path, talk)


def test_a_worker_that_hangs_is_ended_and_its_request_unknown(
    tmp_path: Path, cluster: Cluster, machines: RayCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def talk(courier: Courier) -> None:
        monkeypatch.setattr("specrun.cluster.courier._GRACE", 0.1)
        sending = asyncio.create_task(courier.send(request(), at_once))
        while not server.posts:  # noqa: ASYNC110 (the server lives in another thread)
            await asyncio.sleep(0.01)
        (worker,) = machines.workers()
        os.kill(worker, signal.SIGSTOP)
        assert isinstance(await sending, Unknown)
        while machines.workers():  # noqa: ASYNC110 (it is a process)
            await asyncio.sleep(0.05)

    with FaultServer([slow(0.5, good())]) as server:
        carried(cluster, server, tmp_path, talk, timeout=1)


def test_a_request_that_the_driver_cannot_write_down_is_never_sent(tmp_path: Path, cluster: Cluster) -> None:
    async def before() -> None:
        raise OSError(28, "No space left on device")

    async def talk(courier: Courier) -> None:
        with pytest.raises(OSError, match="No space left"):
            await courier.send(request(1), before)
        assert isinstance(await courier.send(request(2), at_once), Received)

    with FaultServer([good()]) as server:
        carried(cluster, server, tmp_path, talk)
    assert [post.key for post in server.posts] == ["sha256:2.1"]


def test_images_that_came_as_bytes_are_lost_with_the_last_worker_and_links_are_still_known(
    tmp_path: Path, cluster: Cluster, machines: RayCluster
) -> None:
    async def talk(courier: Courier) -> None:
        received = [await courier.send(request(number), at_once) for number in (1, 2)]
        await asyncio.to_thread(machines.kill_worker)
        for reply, expected in zip(received, (Lost, Missing), strict=True):
            assert isinstance(reply, Received)
            (arrival,) = await courier.collect(reply)
            assert isinstance(arrival, expected)

    with FaultServer([good(), linked()]) as server:
        carried(cluster, server, tmp_path, talk)


def test_links_that_a_lost_worker_had_are_followed_by_another(
    tmp_path: Path, cluster: Cluster, machines: RayCluster
) -> None:
    async def talk(courier: Courier) -> None:
        # At once, so that each worker has some.
        received = await asyncio.gather(*(courier.send(request(number), at_once) for number in range(4)))
        await asyncio.to_thread(machines.kill_worker)
        for each in received:
            assert isinstance(each, Received)
            (arrival,) = await courier.collect(each)
            assert isinstance(arrival, Kept)

    with FaultServer([linked()]) as server:
        carried(cluster, server, tmp_path, talk, workers=2)
    assert len(server.posts) == 4
    assert len(list(Blobs(tmp_path).all())) == 4


def test_where_workers_see_no_store_the_bytes_come_to_the_driver(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def talk(courier: Courier) -> None:
        received = await courier.send(request(images=2), at_once)
        assert isinstance(received, Received)
        assert [type(arrival) for arrival in await courier.collect(received)] == [Arrived, Arrived]
        received = await courier.send(request(images=1), at_once)
        assert isinstance(received, Received)
        (arrival,) = await courier.collect(received)
        assert isinstance(arrival, Unusable)

    # From a worker's working folder, this path leads elsewhere.
    monkeypatch.chdir(tmp_path)
    with FaultServer([good(), raw(200, b'{"data": [{"b64_json": "bm8gaW1hZ2U="}]}', bill=True)]) as server:
        carried(cluster, server, Path("store"), talk)
    assert list(Blobs(tmp_path / "store").all()) == []


def test_a_worker_without_the_key_is_named_before_anything_is_sent(tmp_path: Path, cluster: Cluster) -> None:
    async def talk(_: Courier) -> None:
        raise AssertionError

    with FaultServer([good()]) as server, pytest.raises(ClusterError) as caught:
        carried(cluster, server, tmp_path, talk, workers=2, api_key_env="OTHER_KEY")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.detail.startswith("on the Ray worker on ")
    assert diagnostic.detail.endswith("reads its key from the environment variable OTHER_KEY, which is not set")
    assert server.connections == 0

"""Images on their way to a shared store while an apply goes on, ends badly, or is interrupted."""

import asyncio
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from applying import KEY, Applied, Shop, client_for, numbered
from fault_server import Behaviour, Exchange, FaultServer, Post
from faults import error, good

from specrun.apply.apply import apply
from specrun.apply.events import Event, Stopping, Warned
from specrun.apply.options import ApplyOptions
from specrun.apply.place import place_of
from specrun.apply.shared import sharing
from specrun.apply.stop import Stop
from specrun.catalog.load import load_catalog
from specrun.model.project import Provider
from specrun.provider.client import ImageClient
from specrun.store.shared import SharedStore


class Bucket:
    """Objects in memory; `gate` holds writes back until it is set."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Event()
        self.at_once = self.most = 0
        self._lock = threading.Lock()

    def cat_file(self, path: str) -> bytes:
        if path not in self.held:
            raise FileNotFoundError(path)
        return self.held[path]

    def info(self, path: str) -> dict[str, Any]:
        return {"size": len(self.cat_file(path))}

    def find(self, path: str, *, detail: bool) -> dict[str, Any]:
        raise AssertionError("nothing is listed")

    def rm(self, path: list[str]) -> None:
        raise AssertionError("nothing is removed")

    def pipe_file(self, path: str, value: bytes) -> None:
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        self.begun.set()
        self.gate.wait()
        with self._lock:
            self.at_once -= 1
        self.held[path] = value


def store_in(bucket: Bucket) -> SharedStore:
    return SharedStore(bucket, "team", url="s3://team", writable=True, faults=(OSError,), pauses=())


def apply_sharing(shop: Shop, bucket: Bucket, clients: Callable[[Provider], ImageClient] = client_for) -> Applied:
    project, events = shop.project(), list[Event]()
    plan, catalog, options = shop.plan(), load_catalog(project.schemas), ApplyOptions()
    finished = asyncio.run(apply(plan, project, catalog, clients, options, events.append, store_in(bucket)))
    return Applied(plan, finished, tuple(events))


class Interrupting(ImageClient):
    """Interrupts once it is closed: all is made, and uploads go on, as soon as the bucket takes them."""

    def __init__(self, provider: Provider, bucket: Bucket) -> None:
        super().__init__(provider, environ={"FAULT_KEY": KEY})
        self._bucket = bucket

    async def __aexit__(self, *raised: Any) -> None:  # noqa: PYI036 - whatever it is, it is handed on
        await super().__aexit__(*raised)
        signal.raise_signal(signal.SIGINT)
        asyncio.get_running_loop().call_later(0.5, self._bucket.gate.set)


def test_images_are_uploaded_while_others_are_being_made_a_few_at_a_time(tmp_path: Path) -> None:
    bucket = Bucket()

    def script(post: Post) -> Behaviour:
        async def last(exchange: Exchange) -> None:
            await asyncio.to_thread(bucket.begun.wait)
            await good()(exchange)

        return last if post.prompt == "lamp 20" else good()

    with FaultServer(script) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(20))
        done = apply_sharing(shop, bucket)  # would hang if uploads waited for the end
    assert done.finished.exit_code == 0
    assert len(bucket.held) == 20
    assert bucket.most <= 4


def test_images_that_were_paid_for_are_uploaded_also_when_the_apply_fails(tmp_path: Path) -> None:
    def script(post: Post) -> Behaviour:
        return error(401, "auth_error") if post.prompt == "lamp 6" else good()

    bucket = Bucket()
    with FaultServer(script) as server:
        shop = Shop(tmp_path, server, {"concurrency": 1})
        shop.write(shots=numbered(8))
        done = apply_sharing(shop, bucket)
        assert done.finished.exit_code == 1
        assert done.finished.unshared == 0
        assert len(bucket.held) == server.images_billed == 5


def test_an_interruption_does_not_wait_for_uploads_and_the_next_apply_goes_on(tmp_path: Path) -> None:
    bucket = Bucket()
    bucket.gate.clear()
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(40))
        plan = shop.apply().plan
        place = place_of(plan, shop.project(), shop.root / "specs/shots.lock.json")

        async def interrupted() -> Warned | None:
            stop = Stop(lambda _: None)
            with sharing(store_in(bucket), place) as part:
                assert part is not None
                assert part.uploads is not None
                stop.when_interrupted(part.hurry)
                settling = asyncio.create_task(part.settle(shop.lock(), part.uploads, stop, changed=True))
                await asyncio.to_thread(bucket.begun.wait)
                stop.interrupt()
                bucket.gate.set()
                return await settling

        warned = asyncio.run(interrupted())
        assert warned is not None
        assert warned.diagnostic.detail.startswith(f"{40 - len(bucket.held)} of the lock's images are here")
        assert len(bucket.held) <= 4
        server.posts.clear()
        again = apply_sharing(shop, bucket)
    assert (again.finished.exit_code, again.finished.requests, server.posts) == (0, 0, [])
    assert len(bucket.held) == 40


@pytest.mark.parametrize("last", [good(), error(401, "auth_error")])
def test_an_interruption_between_making_and_sharing_ends_the_sharing_and_nothing_else(
    tmp_path: Path, last: Behaviour
) -> None:
    """Also where the apply had stopped before, for a reason of its own."""
    bucket = Bucket()
    bucket.gate.clear()
    with FaultServer(lambda post: last if post.prompt == "lamp 12" else good()) as server:
        shop = Shop(tmp_path, server, {"concurrency": 1})
        shop.write(shots=numbered(12))
        done = apply_sharing(shop, bucket, lambda provider: Interrupting(provider, bucket))
        made = server.images_billed
    assert (done.finished.interrupted, done.finished.exit_code) == (True, 130)
    assert done.told(Stopping)[-1].cause == "interrupted"
    assert sum(len(row.outputs) for row in shop.lock().rows.values()) == made
    assert len(bucket.held) <= 4

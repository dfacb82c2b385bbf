"""Images on their way to a shared store while an apply goes on, ends badly, or is interrupted."""

import asyncio
import threading
from pathlib import Path
from typing import Any

from applying import Applied, Shop, client_for, numbered
from fault_server import Behaviour, Exchange, FaultServer, Post
from faults import error, good

from specrun.apply.apply import apply
from specrun.apply.events import Event, Warned
from specrun.apply.options import ApplyOptions
from specrun.apply.place import place_of
from specrun.apply.shared import sharing
from specrun.apply.stop import Stop
from specrun.catalog.load import load_catalog
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


def apply_sharing(shop: Shop, bucket: Bucket) -> Applied:
    project, events = shop.project(), list[Event]()
    plan, catalog = shop.plan(), load_catalog(project.schemas)
    finished = asyncio.run(apply(plan, project, catalog, client_for, ApplyOptions(), events.append, store_in(bucket)))
    return Applied(plan, finished, tuple(events))


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
                settling = asyncio.create_task(part.settle(shop.lock(), part.uploads, stop, changed=True))
                await asyncio.to_thread(bucket.begun.wait)
                stop.request("interrupted", interrupted=True)
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

"""The shared store's own rules, against a bucket in memory; the real protocol is tried in `test_cli_shared.py`."""

import asyncio
import base64
import contextlib
import hashlib
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fsspec.asyn import get_loop, sync
from hypothesis import given
from hypothesis import strategies as st

from specrun.apply.prune_shared import remove_shared, uncounted
from specrun.canonical import digest
from specrun.diagnostics import InvalidInputError
from specrun.model.project import StoreSettings
from specrun.spec.project import load_project
from specrun.store.shared import SharedStore
from specrun.store.shared_open import NoClientError, open_shared
from specrun.store.shared_record import SharedRecord
from specrun.store.tries import SharedStoreError

IMAGE = b"an image, as far as a store is concerned"
BLOB = digest(IMAGE)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


class Bucket:
    """Objects in memory; `troubles` are raised one after another before anything else happens."""

    def __init__(self, checksum: str = "") -> None:
        self.held: dict[str, bytes] = {}
        self.troubles: list[Exception] = []
        self.writes = 0
        self.asked = 0
        self.removed: list[int] = []
        self.clock = NOW
        self._checksum = checksum

    def cat_file(self, path: str) -> bytes:
        return self._object(path)

    def pipe_file(self, path: str, value: bytes) -> None:
        self._trouble()
        self.writes += 1
        self.held[path] = value

    def find(self, path: str, *, detail: bool) -> Mapping[str, Mapping[str, Any]]:
        return {name: self.info(name) for name in self.held if name.startswith(path)}

    def rm(self, path: list[str]) -> None:
        self._trouble()
        self.removed.append(len(path))
        for name in path:
            self.held.pop(name, None)

    def info(self, path: str) -> Mapping[str, Any]:
        data = self._object(path)
        md5 = hashlib.md5(data, usedforsecurity=False)
        told: dict[str, dict[str, Any]] = {
            "s3": {"ETag": f'"{md5.hexdigest()}"', "LastModified": self.clock},
            "gs": {"md5Hash": base64.b64encode(md5.digest()).decode(), "mtime": self.clock},
            "az": {"content_settings": {"content_md5": bytearray(md5.digest())}, "last_modified": self.clock},
            "kms": {"ETag": f'"{hashlib.md5(md5.digest(), usedforsecurity=False).hexdigest()}"'},
            "parts": {"ETag": f'"{md5.hexdigest()}-2"'},
        }
        return {"size": len(data), **told.get(self._checksum, {})}

    def _object(self, path: str) -> bytes:
        self._trouble()
        if path not in self.held:
            raise FileNotFoundError(path)
        return self.held[path]

    def _trouble(self) -> None:
        self.asked += 1
        if self.troubles:
            raise self.troubles.pop(0)


def store_in(bucket: Bucket, *, pauses: tuple[float, ...] = (0, 0)) -> SharedStore:
    return SharedStore(bucket, "team", url="s3://team", writable=True, faults=(OSError,), pauses=pauses)


@given(st.binary(max_size=200))
def test_what_is_put_comes_back_and_is_put_once(data: bytes) -> None:
    bucket = Bucket("s3")
    store = store_in(bucket)
    assert [store.ensure(digest(data), data) for _ in range(2)] == [True, False]
    assert store.fetch(digest(data)) == data


@given(st.binary(max_size=200))
def test_nothing_but_the_named_bytes_is_ever_returned(other: bytes) -> None:
    bucket = Bucket()
    bucket.held[f"team/{BLOB[7:9]}/{BLOB[9:]}"] = other
    if other == IMAGE:
        assert store_in(bucket).fetch(BLOB) == IMAGE
        return
    with pytest.raises(SharedStoreError, match="something else in the place") as caught:
        store_in(bucket).fetch(BLOB)
    assert caught.value.gone


def test_who_is_in_a_hurry_tries_nothing_again() -> None:
    bucket = Bucket()
    store = store_in(bucket)
    store.hurry()
    bucket.troubles = [OSError("no route"), OSError("no route")]
    with pytest.raises(SharedStoreError, match="out of reach: no route"):
        store.fetch(BLOB)
    assert bucket.asked == 1


class Silent(Bucket):
    """Begins to wait for a service that never answers, when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = get_loop()
        self.entered, self.let = threading.Event(), threading.Event()

    def cat_file(self, path: str) -> bytes:
        self.entered.set()
        self.let.wait()
        sync(self.loop, asyncio.Event().wait)
        raise TypeError("a client that trips over what was cut off")


def test_who_begins_to_wait_while_a_store_is_abandoned_does_not_wait_either() -> None:
    bucket = Silent()
    store = store_in(bucket)
    with ThreadPoolExecutor() as threads:
        fetched = threads.submit(store.fetch, BLOB)
        bucket.entered.wait()
        store.abandon()
        sync(bucket.loop, asyncio.sleep, 0)
        bucket.let.set()
        with pytest.raises(SharedStoreError, match="was not waited for"):
            fetched.result(20)


def test_what_is_cut_off_before_its_first_step_is_told_too() -> None:
    bucket = Silent()
    store = store_in(bucket)
    busy = threading.Event()
    with ThreadPoolExecutor() as threads:
        bucket.loop.call_soon_threadsafe(busy.wait)
        bucket.let.set()
        fetched = threads.submit(store.fetch, BLOB)
        bucket.entered.wait()
        time.sleep(0.2)  # until it stands in line behind what keeps the loop busy
        store.abandon()
        busy.set()
        with pytest.raises(SharedStoreError, match="was not waited for"):
            fetched.result(20)


@pytest.mark.parametrize("checksum", ["s3", "gs", "az"])
def test_an_object_of_the_right_size_and_wrong_content_is_replaced(checksum: str) -> None:
    bucket = Bucket(checksum)
    store = store_in(bucket)
    store.ensure(BLOB, IMAGE)
    (path,) = bucket.held
    bucket.held[path] = IMAGE[::-1]
    assert store.ensure(BLOB, IMAGE)
    assert bucket.held[path] == IMAGE


def test_an_object_that_is_kept_encrypted_is_known_by_its_content() -> None:
    bucket = Bucket("kms")
    store = store_in(bucket)
    assert store.ensure(BLOB, IMAGE)
    assert not store.ensure(BLOB, IMAGE)
    (path,) = bucket.held
    bucket.held[path] = IMAGE[::-1]
    assert store.ensure(BLOB, IMAGE)
    assert bucket.held[path] == IMAGE


@pytest.mark.parametrize("checksum", ["", "parts"])
def test_a_half_written_object_is_replaced_also_where_no_checksum_is_kept(checksum: str) -> None:
    bucket = Bucket(checksum)
    store = store_in(bucket)
    store.ensure(BLOB, IMAGE)
    (path,) = bucket.held
    assert not store.ensure(BLOB, IMAGE)
    bucket.held[path] = IMAGE[:-1]
    assert store.ensure(BLOB, IMAGE)


def test_passing_trouble_passes() -> None:
    bucket = Bucket()
    bucket.troubles = [TimeoutError("slow"), ConnectionResetError("gone")]
    assert store_in(bucket).ensure(BLOB, IMAGE)


def test_a_store_that_stays_out_of_reach_is_soon_asked_only_once_an_object() -> None:
    bucket = Bucket()
    store = store_in(bucket)
    bucket.troubles = [TimeoutError("slow") for _ in range(100)]
    for _ in range(5):
        with pytest.raises(SharedStoreError, match="out of reach: slow") as caught:
            store.fetch(BLOB)
        assert not caught.value.gone
    assert bucket.asked == 3 * 3 + 2
    bucket.troubles.clear()
    with pytest.raises(SharedStoreError, match="does not have"):
        store.fetch(BLOB)


def test_who_may_write_and_not_look_writes() -> None:
    bucket = Bucket()
    bucket.troubles = [PermissionError("head")]
    assert store_in(bucket).ensure(BLOB, IMAGE)
    bucket.troubles = [PermissionError("head"), PermissionError("put")]
    with pytest.raises(SharedStoreError, match="refuses access: put"):
        store_in(bucket).ensure(BLOB, IMAGE)


def test_a_folder_is_a_store_whose_files_are_never_half_written(tmp_path: Path) -> None:
    store = open_shared(StoreSettings(url=f"file://{tmp_path}/team%20store"))
    assert store.ensure(BLOB, IMAGE)
    assert not store.ensure(BLOB, IMAGE)
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert path == tmp_path / "team store" / BLOB[7:9] / BLOB[9:]
    path.write_bytes(IMAGE[::-1])
    assert store.ensure(BLOB, IMAGE)
    assert store.fetch(BLOB) == IMAGE


def test_a_service_without_its_client_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(NoClientError) as caught:
        open_shared(StoreSettings(url="gs://bucket/a"))
    assert caught.value.diagnostics[0].hint == "pip install 'specrun[gs]'"


def test_what_is_served_over_http_can_be_had(tmp_path: Path) -> None:
    open_shared(StoreSettings(url=f"file://{tmp_path}")).ensure(BLOB, IMAGE)
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        store = open_shared(StoreSettings(url=f"http://127.0.0.1:{server.server_port}", writable=False))
        assert store.fetch(BLOB) == IMAGE
        with pytest.raises(SharedStoreError, match="does not have"):
            store.fetch(digest(b"something else"))
        server.shutdown()


def test_the_record_survives_a_torn_line_and_knows_its_store(tmp_path: Path) -> None:
    SharedRecord(tmp_path, "s3://a").add(BLOB)
    (path,) = tmp_path.rglob("*.txt")
    with path.open("a") as file:
        file.write(BLOB[:30])
    assert BLOB in SharedRecord(tmp_path, "s3://a")
    assert BLOB not in SharedRecord(tmp_path, "s3://b")


@pytest.mark.parametrize(("service", "told"), [("s3", True), ("gs", True), ("az", True), ("", False)])
def test_images_are_as_old_as_their_service_says_and_stay_where_it_says_nothing(service: str, *, told: bool) -> None:
    store = store_in(Bucket(service))
    store.ensure(BLOB, IMAGE)
    assert list(uncounted(store, {BLOB}, WEEK, NOW + WEEK)) == []
    assert list(uncounted(store, (), WEEK, NOW + WEEK - timedelta(seconds=1))) == []
    assert [image.blob for image in uncounted(store, (), WEEK, NOW + WEEK)] == [BLOB] * told


def test_a_removal_goes_by_the_clock_of_the_service_and_by_what_is_there_then(tmp_path: Path) -> None:
    bucket = Bucket("s3")
    store = store_in(bucket)
    store.ensure(BLOB, IMAGE)
    # This machine's clock is a month ahead, or the question was answered a month after it was asked.
    chosen = list(uncounted(store, (), WEEK, NOW + timedelta(days=30)))
    assert len(chosen) == 1
    removed = remove_shared(store, SharedRecord(tmp_path, store.url), chosen, (), WEEK)
    assert (removed.images, removed.left, bucket.removed) == (0, 0, [])
    assert store.has(BLOB)


def test_many_images_are_removed_a_thousand_with_one_request() -> None:
    bucket = Bucket("s3")
    store = store_in(bucket)
    blobs = [digest(str(number).encode()) for number in range(2345)]
    for blob in blobs:
        store.ensure(blob, b"")
    store.remove(blobs)
    assert (bucket.removed, bucket.held) == ([1000, 1000, 345], {})


class Breaking(Bucket):
    """Goes away for good after so many questions."""

    def __init__(self, held: dict[str, bytes], questions: int) -> None:
        super().__init__("s3")
        self.held = held
        self.clock = NOW + WEEK
        self._questions = questions

    def _trouble(self) -> None:
        self.asked += 1
        if self.asked > self._questions:
            raise ConnectionResetError("cut")


@pytest.mark.parametrize("questions", range(16))
def test_a_removal_that_breaks_off_anywhere_leaves_no_record_that_is_believed(tmp_path: Path, questions: int) -> None:
    bucket = Bucket("s3")
    store = store_in(bucket)
    record = SharedRecord(tmp_path, store.url)
    images = (IMAGE, IMAGE[1:])
    for image in images:
        store.ensure(digest(image), image)
        record.add(digest(image))
    chosen = list(uncounted(store, (), WEEK, NOW + WEEK))
    with contextlib.suppress(SharedStoreError):
        breaking = store_in(Breaking(bucket.held, questions), pauses=())
        remove_shared(breaking, record, chosen, (), WEEK)
    later = SharedRecord(tmp_path, store.url)
    later.heed(store)
    assert all(store.has(digest(image)) for image in images if digest(image) in later)


def test_who_may_not_read_the_mark_of_removals_goes_by_what_is_known(tmp_path: Path) -> None:
    bucket = Bucket()
    store = store_in(bucket)
    SharedRecord(tmp_path, store.url).add(BLOB)
    record = SharedRecord(tmp_path, store.url)
    bucket.troubles = [PermissionError("get")]
    record.heed(store)
    assert BLOB in record


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{url: s3://bucket/a}", StoreSettings(url="s3://bucket/a")),
        ("{url: s3://bucket/a/, mode: read}", StoreSettings(url="s3://bucket/a", writable=False)),
        ("{url: https://cdn.example.com/a}", StoreSettings(url="https://cdn.example.com/a", writable=False)),
        ("{url: file:///mnt/a}", StoreSettings(url="file:///mnt/a")),
        ("{url: https://cdn.example.com, mode: readwrite}", "can only be read"),
        ("{mode: read}", "store has no url"),
        ("{url: s3://key:secret@bucket}", "holds more than an address"),
        ("{url: s3://bucket?token=1}", "holds more than an address"),
        ("{url: ftp://host/a}", "unusable URL"),
        ("{url: bucket/a}", "unusable URL"),
        ("{url: file://a}", "unusable URL"),
        ("{url: s3://bucket, mode: write}", 'store.mode is "write"'),
        ("{url: s3://bucket, region: x}", 'has no "region"'),
        ("s3://bucket", "store is a mapping"),
    ],
)
def test_settings_of_a_store_are_read_or_refused(tmp_path: Path, text: str, said: StoreSettings | str) -> None:
    (tmp_path / "specrun.yaml").write_text(f"store: {text}\n", "utf-8")
    if isinstance(said, StoreSettings):
        assert load_project(tmp_path).store == said
        return
    with pytest.raises(InvalidInputError) as caught:
        load_project(tmp_path)
    assert said in str(caught.value)

"""A shared store whose service takes too long to answer, over the real S3 protocol."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from s3_server import Fault, S3Server, s3_server

from specrun.apply.prune_shared import remove_shared, uncounted
from specrun.canonical import digest
from specrun.model.project import StoreSettings
from specrun.store import shared_open
from specrun.store.shared import SharedStore
from specrun.store.shared_record import SharedRecord
from specrun.store.tries import PAUSES, SharedStoreError

IMAGE = b"an image, as far as a store is concerned"
BLOB = digest(IMAGE)
AT_ONCE = timedelta(0)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture
def store(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> SharedStore:
    """A store that waits for an answer half as long as a request hangs."""
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    patience: Mapping[str, Any] = shared_open._S3.options["config_kwargs"] | {"read_timeout": 0.7}
    options = {**shared_open._S3.options, "config_kwargs": patience}
    monkeypatch.setitem(shared_open._SERVICES, "s3", replace(shared_open._S3, options=options))
    return shared_open.open_shared(StoreSettings(url=f"s3://{s3.bucket()}/images"))


@pytest.mark.parametrize("method", ["HEAD", "PUT", "GET", "POST", "LIST"])
def test_an_answer_that_takes_too_long_is_asked_for_again(
    store: SharedStore, s3: S3Server, method: str, tmp_path: Path
) -> None:
    s3.faults.append(Fault(method=method, kind="hang"))
    store.ensure(BLOB, IMAGE)
    assert store.fetch(BLOB) == IMAGE
    removed = remove_shared(store, SharedRecord(tmp_path, store.url), list(uncounted(store, (), AT_ONCE)), (), AT_ONCE)
    assert (removed.images, removed.left, removed.fault) == (1, 0, None)
    assert not store.has(BLOB)
    assert s3.faults == []


def test_a_service_that_never_answers_in_time_is_out_of_reach(store: SharedStore, s3: S3Server) -> None:
    store.ensure(BLOB, IMAGE)
    s3.faults.append(Fault(method="GET", kind="hang", times=1000))
    s3.asked.clear()
    with pytest.raises(SharedStoreError, match="is out of reach") as caught:
        store.fetch(BLOB)
    assert not caught.value.gone
    assert s3.count("GET") == 1 + len(PAUSES)  # its client does not try again by itself
    s3.faults.clear()
    assert store.fetch(BLOB) == IMAGE

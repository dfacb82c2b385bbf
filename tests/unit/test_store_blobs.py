import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from specrun.canonical import digest
from specrun.store.blobs import Blobs, DamagedBlobError


def test_a_blob_stands_under_the_digest_of_its_bytes(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blob = blobs.put(b"pixels")
    assert blob == digest(b"pixels")
    assert blobs.has(blob)
    assert blobs.read(blob) == b"pixels"
    name = blob.removeprefix("sha256:")
    assert blobs.path(blob) == tmp_path / name[:2] / name[2:]


def test_a_blob_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    path = blobs.path(blobs.put(b"pixels"))
    before = path.stat()
    blobs.put(b"pixels")
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_damaged_blob_is_named_when_read_and_healed_when_put(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blob = blobs.put(b"pixels")
    blobs.path(blob).write_bytes(b"pixelz")
    with pytest.raises(DamagedBlobError, match="does not hold what its name says"):
        blobs.read(blob)
    blobs.put(b"pixels")
    assert blobs.read(blob) == b"pixels"


def test_putting_leaves_nothing_but_blobs(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    digests = blobs.put_all([b"one", b"two", b"one"])
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(files) == sorted({blobs.path(name) for name in digests})


def test_a_put_that_fails_leaves_no_torn_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    blobs = Blobs(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            blobs.put(b"pixels")
    assert not blobs.has(digest(b"pixels"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_whole_files_that_a_killed_writer_staged_are_adopted_and_torn_ones_dropped(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path, staging="mine")
    staging = tmp_path / "incoming" / "mine"
    staging.mkdir(parents=True)
    name = digest(b"pixels").removeprefix("sha256:")
    (staging / f"{name}.1a2b3c4d").write_bytes(b"pixels")
    (staging / f"{name}.ffffffff").write_bytes(b"pix")
    others = tmp_path / "incoming" / "theirs" / f"{name}.00000000"
    others.parent.mkdir()
    others.write_bytes(b"pi")

    blobs.adopt()

    assert blobs.read(digest(b"pixels")) == b"pixels"
    assert list(staging.iterdir()) == []
    assert others.exists()


def test_many_threads_may_put_the_same_and_other_blobs(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    contents = [f"image {number % 40}".encode() for number in range(400)]
    with ThreadPoolExecutor(16) as pool:
        digests = list(pool.map(blobs.put, contents))
    assert [blobs.read(name) for name in digests] == contents

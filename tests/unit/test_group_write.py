import errno
import itertools
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from specrun.atomic import remove_leftovers, sync_folder
from specrun.group_write import Write, write_all


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def group(folder: Path, **contents: bytes) -> list[Write]:
    return [Write.beside(folder / name, data) for name, data in contents.items()]


def test_groups_of_files_are_written_with_the_folders_they_need(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "one").write_bytes(b"before")
    groups = [group(tmp_path / "old", one=b"1", two=b""), [], group(tmp_path / "new" / "deep", three=b"3" * 100_000)]
    assert write_all(groups) == [None, None, None]
    assert files(tmp_path) == {"old/one": b"1", "old/two": b"", "new/deep/three": b"3" * 100_000}


def test_no_file_gets_its_name_before_all_are_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []

    def fsync(handle: int) -> None:
        synced.append(len([path for path in tmp_path.iterdir() if not path.name.startswith(".")]))

    monkeypatch.setattr(os, "fsync", fsync)
    write_all([group(tmp_path, a=b"a"), group(tmp_path, b=b"b"), group(tmp_path, c=b"c")])
    # Three files, then their folder once.
    assert synced == [0, 0, 0, 3]


def test_a_group_that_cannot_be_staged_fails_alone_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    lost = [*group(tmp_path, early=b"early"), *group(tmp_path / "file", late=b"late")]
    good, error, fine = write_all([group(tmp_path, a=b"a"), lost, group(tmp_path, b=b"b")])
    assert (good, fine) == (None, None)
    assert isinstance(error, NotADirectoryError)
    assert files(tmp_path) == {"file": b"", "a": b"a", "b": b"b"}


def test_a_group_that_the_disk_does_not_take_fails_alone_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def full(handle: int) -> None:
        if os.fstat(handle).st_size == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    monkeypatch.setattr(os, "fsync", full)
    errors = write_all([group(tmp_path, a=b"a"), group(tmp_path, b=b"b", lost=b"12345"), group(tmp_path, c=b"c")])
    assert [error and error.errno for error in errors] == [None, errno.ENOSPC, None]
    assert files(tmp_path) == {"a": b"a", "c": b"c"}


def test_a_folder_that_cannot_be_synced_fails_those_who_wrote_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad").mkdir()

    def failing(folder: Path) -> None:
        if folder.name == "bad":
            raise OSError(errno.EIO, "Input/output error")
        sync_folder(folder)

    monkeypatch.setattr("specrun.group_write.sync_folder", failing)
    errors = write_all([group(tmp_path, a=b"a"), group(tmp_path / "bad", b=b"b")])
    assert [error and error.errno for error in errors] == [None, errno.EIO]


def test_a_file_that_is_too_large_fails_alone(tmp_path: Path) -> None:
    source = f"""
from pathlib import Path
from specrun.group_write import Write, write_all
folder = Path({str(tmp_path)!r})
groups = [[Write.beside(folder / str(size), bytes(size))] for size in (10, 5000, 20)]
print([error and error.strerror for error in write_all(groups)])
"""
    said = child(source, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))).stdout
    assert said.strip() == "[None, 'File too large', None]"
    assert files(tmp_path) == {"10": bytes(10), "20": bytes(20)}


# Has its process killed at one of the steps that a disk could see.
KILLED = """
import itertools, os, signal, sys
from pathlib import Path
from specrun.group_write import Write, write_all

folder, steps = Path(sys.argv[1]), itertools.count()

def watched(step):
    def either(*args, **kwargs):
        if next(steps) == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*args, **kwargs)
    return either

for name in ("open", "write", "fsync", "rename", "replace"):
    setattr(os, name, watched(getattr(os, name)))
write_all([[Write.beside(folder / name, b"new")] for name in ("a", "b", "d/c")])
print(next(steps))
"""


def test_a_kill_at_any_step_leaves_whole_files_and_known_leftovers(tmp_path: Path) -> None:
    for moment in itertools.count():
        folder = tmp_path / str(moment)
        folder.mkdir()
        for name in "ab":
            (folder / name).write_bytes(b"old")
        ended = child(KILLED, str(folder), str(moment), check=False)
        assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
        remove_leftovers([path for path in folder.rglob("*") if path.is_file()])
        left = files(folder)
        assert {left["a"], left["b"], left.pop("d/c", b"new")} <= {b"old", b"new"}
        assert set(left) == {"a", "b"}
        if not ended.returncode:
            break
    # Three files opened, written, synced and named, and the folders synced: at least so many kills.
    assert moment >= 15


def child(
    source: str, *arguments: str, check: bool = True, before: Callable[[], None] | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", source, *arguments],
        check=check,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=before,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

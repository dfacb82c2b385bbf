import os
from pathlib import Path

import pytest

from specrun.canonical import digest
from specrun.store.seen import SeenFiles

ONE, TWO = digest(b"one"), digest(b"two")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.png").write_bytes(b"one")
    seen(tmp_path).remember(["a.png", "gone.png"], {})
    return tmp_path


def seen(folder: Path) -> SeenFiles:
    return SeenFiles(folder / ".specrun" / "seen.json", folder)


def test_a_file_that_nothing_touched_is_not_read_again(folder: Path) -> None:
    before = folder / "a.png"
    stamps = before.stat()
    seen(folder).remember(["a.png"], {"a.png": TWO})
    assert seen(folder).digest("a.png") == TWO, "what was written down is believed"
    assert before.stat().st_atime_ns == stamps.st_atime_ns


@pytest.mark.parametrize("keep_times", [False, True])
def test_a_change_is_seen_also_where_size_and_modification_time_stay(folder: Path, *, keep_times: bool) -> None:
    path = folder / "a.png"
    times = path.stat()
    path.write_bytes(b"two")
    if keep_times:
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert seen(folder).digest("a.png") == TWO


def test_a_file_put_in_the_place_of_another_is_read(folder: Path) -> None:
    (folder / "b.png").write_bytes(b"two")
    (folder / "b.png").replace(folder / "a.png")
    assert seen(folder).digest("a.png") == TWO


def test_a_missing_file_has_no_digest(folder: Path) -> None:
    (folder / "a.png").unlink()
    assert seen(folder).digest("a.png") is None
    assert seen(folder).digest("gone.png") is None


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"a.png": 1}', b"\xff", b'{"paths": ["a.png"], "stamps": [], "digests": []}']
)
def test_a_damaged_list_only_costs_time(folder: Path, damage: bytes) -> None:
    (folder / ".specrun" / "seen.json").write_bytes(damage)
    assert seen(folder).digest("a.png") == ONE
    assert seen(folder).differing(["a.png", "a.png"], [ONE, TWO]) == {("a.png", TWO)}


def test_times_in_whole_seconds_are_not_believed(folder: Path) -> None:
    os.utime(folder / "a.png", (1_700_000_000, 1_700_000_000))
    seen(folder).remember(["a.png"], {"a.png": TWO})
    assert seen(folder).digest("a.png") == ONE


def test_remembering_the_same_again_writes_nothing(folder: Path) -> None:
    before = (folder / ".specrun" / "seen.json").stat().st_mtime_ns
    seen(folder).remember(["a.png"], {})
    assert (folder / ".specrun" / "seen.json").stat().st_mtime_ns == before

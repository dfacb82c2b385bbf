import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from specrun.atomic import make_folder, remove_leftovers, write_atomic, write_if_changed


def test_a_write_that_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomic(path, b"old")

    def torn() -> Iterator[bytes]:
        yield b"ne"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, torn())
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_folders_are_made_on_the_way(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a" / "b" / "c.json", [b"one ", b"two"])
    assert (tmp_path / "a" / "b" / "c.json").read_bytes() == b"one two"
    make_folder(tmp_path / "a" / "b")


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_file_follows_the_umask(mask: int, tmp_path: Path) -> None:
    source = f"import os; os.umask({mask}); from specrun.atomic import write_atomic\n"
    source += f"from pathlib import Path; write_atomic(Path({str(tmp_path / 'a')!r}), b'')"
    subprocess.run(
        [sys.executable, "-c", source], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("name", ["x" * 255, "\U0001f98a" * 63, "日" * 85])
def test_a_name_may_be_as_long_as_names_can_be(name: str, tmp_path: Path) -> None:
    write_atomic(tmp_path / name, b"data")
    assert (tmp_path / name).read_bytes() == b"data"


def test_what_already_says_the_same_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert write_if_changed(path, b"one")
    os.utime(path, (1, 1))
    assert not write_if_changed(path, b"one")
    assert path.stat().st_mtime == 1
    assert write_if_changed(path, b"two")
    assert path.read_bytes() == b"two"


def test_only_what_a_killed_writer_left_is_cleared_away(tmp_path: Path) -> None:
    killed = "import os, sys; from pathlib import Path; from specrun.atomic import write_atomic\n"
    killed += f"write_atomic(Path({str(tmp_path / 'a.json')!r}), iter(lambda: os._exit(9), None))"
    subprocess.run(
        [sys.executable, "-c", killed], check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    (tmp_path / ".mine.tmp").write_bytes(b"")
    (tmp_path / "b.json").write_bytes(b"")
    assert len(list(tmp_path.iterdir())) == 3
    remove_leftovers(tmp_path.iterdir())
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".mine.tmp", "b.json"]

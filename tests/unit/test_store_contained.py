"""Files below a folder: none is reached through a link that leads out, and nothing that is no file is waited for."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specrun.store.contained import Contained, LeadsOutError, NotAFileError, read_regular

PARTS = st.sampled_from(["..", ".", "", "a", "out", "in", "file", "/", "~", "x\\y", "\u202e"])
PATHS = st.lists(PARTS, min_size=1, max_size=5).map("/".join)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file, a link in it to a folder of its own, and links out of it."""
    root = tmp_path_factory.mktemp("project")
    (root / "outside/a").mkdir(parents=True)
    (root / "outputs/a").mkdir(parents=True)
    for place in ("outside/file", "outside/a/file", "outputs/file", "outputs/a/file"):
        (root / place).write_text(place)
    (root / "outputs/in").symlink_to("a")
    (root / "outputs/out").symlink_to("../outside")
    (root / "outputs/link").symlink_to("../outside/file")
    return root / "outputs"


@given(path=PATHS)
def test_no_path_reads_or_removes_anything_outside(folder: Path, path: str) -> None:
    files = Contained(folder)
    for step in (files.read, files.place, files.holds):
        try:
            found = step(path)
        except OSError:
            continue
        assert not isinstance(found, bytes) or found.startswith(b"outputs/")
        assert not isinstance(found, Path) or found.is_relative_to(folder.resolve())
    assert (folder.parent / "outside/file").is_file()


def test_links_in_the_folder_are_followed_and_links_out_of_it_are_not(folder: Path) -> None:
    files = Contained(folder)
    assert files.read("in/file") == b"outputs/a/file"
    for step in (files.read, files.place, files.remove):
        with pytest.raises(LeadsOutError, match="a symbolic link leads out"):
            step("out/file")
    with pytest.raises(NotAFileError, match="it is a symbolic link"):
        files.read("link")


def test_removing_a_file_leaves_no_empty_folders_and_not_the_last(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").touch()
    Contained(tmp_path).remove("a/b/file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_told_from_a_file_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for read in (read_regular, lambda path: Contained(path.parent).read(path.name)):
        with pytest.raises(NotAFileError, match="it is a named pipe, not a file"):
            read(tmp_path / "pipe")


def test_a_folder_and_a_device_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        read_regular(tmp_path)
    with pytest.raises(NotAFileError, match="it is a device"):
        read_regular(Path(os.devnull))

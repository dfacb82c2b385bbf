"""Patterns find what `pathlib` finds, hidden files apart, in one walk."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specrun import globbing
from specrun.globbing import matching

PARTS = st.sampled_from(["a", "b", "*", "a*", "?", "[ab]", "**", "*.png", "c.png"])


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for path in ("a/b/c.png", "a/a/b/c.png", "b/a/c.png", "c.png", "b/b/b/a/c.png"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"")
    (root / "a" / "link").symlink_to(root / "b")
    (root / "a" / "loop").symlink_to(root / "a" / "loop")
    return root


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, max_size=4), PARTS.filter(lambda part: part != "**"))
def test_a_pattern_finds_what_pathlib_finds(tree: Path, parts: list[str], last: str) -> None:
    pattern = "/".join([*parts, last])
    assert matching(tree, pattern) == sorted(set(tree.glob(pattern)))


def test_hidden_files_are_found_where_a_part_begins_with_a_dot(tmp_path: Path) -> None:
    for path in (".cache/a.png", "b/.c.png", "b/d.png"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(b"")
    assert [path.relative_to(tmp_path).as_posix() for path in matching(tmp_path, "**/*.png")] == ["b/d.png"]
    assert matching(tmp_path, ".cache/*.png") == [tmp_path / ".cache" / "a.png"]
    assert matching(tmp_path, "b/.*.png") == [tmp_path / "b" / ".c.png"]


def test_folders_are_listed_once_however_often_a_pattern_comes_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deepest = tmp_path.joinpath(*["d"] * 16)
    deepest.mkdir(parents=True)
    (deepest / "a.png").write_bytes(b"")
    listed: list[object] = []
    scandir = os.scandir

    def counted(path: Path) -> object:
        listed.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counted)
    assert matching(tmp_path, "**/d/**/*/" * 4 + "**/*.png") == [deepest / "a.png"]
    assert len(listed) <= 17


def test_there_is_an_end_to_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(b"")
    monkeypatch.setattr(globbing, "MOST_ENTRIES", 2)
    with pytest.raises(ValueError, match="more than 2 files and folders"):
        matching(tmp_path, "*.png")


@pytest.mark.parametrize("pattern", ["*/../a", "a**/b"])
def test_a_pattern_without_a_meaning_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ValueError, match="`"):
        matching(tmp_path, pattern)

import subprocess
from pathlib import Path

import pytest

from specrun.diagnostics import InvalidInputError, UsageError
from specrun.store.revision import find_revision


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=someone", "-c", "user.email=someone@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "specs").mkdir()
    git(tmp_path, "init")
    for text in ("one", "two"):
        (tmp_path / "specs/a b.json").write_text(text)
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-m", text)
    return tmp_path


def test_a_file_reads_as_it_stood_in_a_revision(repository: Path) -> None:
    path = repository / "specs/a b.json"
    path.write_text("three, not committed")
    assert find_revision("HEAD", path.parent).read(path) == b"two"
    assert find_revision("HEAD~1", path.parent).read(path) == b"one"
    assert find_revision("main", path.parent).read(path.with_name("other.json")) is None


def test_a_revision_is_shown_by_its_name_and_commit(repository: Path) -> None:
    found = find_revision("main", repository)
    assert f"{found}" == f"main ({found.id})"
    assert f"{find_revision(found.id, repository)}" == found.id


@pytest.mark.parametrize("name", ["nosuch", "--output=/tmp/x", "-h", "", "main:specs"])
def test_what_is_no_commit_is_refused(repository: Path, name: str) -> None:
    with pytest.raises(UsageError, match="git knows no commit"):
        find_revision(name, repository)


def test_a_folder_outside_any_repository_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InvalidInputError, match="no git history"):
        find_revision("HEAD", tmp_path)


def test_a_machine_without_git_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidInputError, match="git is not installed"):
        find_revision("HEAD", tmp_path)

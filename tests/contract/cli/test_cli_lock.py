import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

QUICKSTART = "specs/quickstart.yaml"
LOCK = "specs/quickstart.lock.json"
MANIFEST = "outputs/quickstart/manifest.json"


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / QUICKSTART
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


def git(folder: Path, *arguments: str, code: int = 0) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    ended = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, encoding="utf-8", check=False
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout


def committed(project: Any, message: str) -> None:
    git(project.folder, "add", "-A")
    git(project.folder, "commit", "-qm", message)


def rows(folder: Path) -> dict[str, Any]:
    lock = json.loads((folder / LOCK).read_text("utf-8"))
    return {row["address"]: row for row in lock["runs"]}


def test_lock_pins_every_run_and_makes_nothing(project: Any) -> None:
    ended = project("lock", QUICKSTART)
    assert ended.out == f"{LOCK}: 6 runs pinned, 6 pins moved\n"
    assert all(row["key"] and not row["outputs"] for row in rows(project.folder).values())
    assert not (project.folder / "outputs").exists()


def test_a_lock_is_out_of_date_until_it_is_made_and_not_changed_by_filling_in_images(project: Any) -> None:
    stale = project("lock", "--check", QUICKSTART, code=2)
    assert stale.out.endswith(" and 5 more: not in the lock\n")
    assert not (project.folder / LOCK).exists()
    project("lock", QUICKSTART)
    project("lock", "--check", QUICKSTART)
    project("apply", "--yes", "--locked", QUICKSTART)
    assert project("lock", "--check", QUICKSTART).out == ""


def test_locking_again_changes_no_byte(project: Any) -> None:
    project("apply", "--yes", QUICKSTART)
    before = (project.folder / LOCK).read_bytes()
    project("lock", QUICKSTART)
    assert (project.folder / LOCK).read_bytes() == before


def test_locked_refuses_a_changed_prompt_before_any_request(project: Any) -> None:
    project("apply", "--yes", QUICKSTART)
    edit(project.folder, "a {{ style }} of", "one {{ style }} of")
    ended = project("apply", "--yes", "--locked", QUICKSTART, code=2)
    assert ended.err.count("error: lock out of date\n") == 1
    assert f"  {LOCK}: animals[" in ended.err
    assert "]: key, seed changed, and 5 more\n" in ended.err
    assert f"hint: run `specrun lock {QUICKSTART}`, and commit the lock;" in ended.err
    assert "made " not in ended.out


def test_frozen_restores_without_a_request_and_refuses_where_one_is_needed(project: Any) -> None:
    project("apply", "--yes", QUICKSTART)
    lost = next((project.folder / "outputs").glob("**/*.png"))
    image = lost.read_bytes()
    lost.unlink()
    assert "Requests: 0.\n" in project("apply", "--yes", "--frozen", QUICKSTART).out
    assert lost.read_bytes() == image
    edit(project.folder, "a {{ style }} of", "one {{ style }} of")
    ended = project("apply", "--yes", "--frozen", QUICKSTART, code=1)
    assert f"error: frozen\n  {QUICKSTART}: animals[" in ended.err
    assert "] and 5 more would have to be asked for\n" in ended.err


def test_pinning_a_changed_run_lets_go_of_its_old_images(project: Any) -> None:
    project("apply", "--yes", QUICKSTART)
    before = rows(project.folder)
    edit(project.folder, "a {{ style }} of", "one {{ style }} of")
    ended = project("lock", QUICKSTART)
    assert ended.err.endswith(" and 5 more: key, seed changed\n")
    after = rows(project.folder)
    assert before.keys() == after.keys()
    assert not any(row["outputs"] for row in after.values())
    assert "Requests: 6.\n" in project("apply", "--yes", "--locked", QUICKSTART).out


def test_branches_that_add_runs_in_different_places_merge_without_a_conflict(project: Any) -> None:
    git(project.folder, "init", "-q", "-b", "main")
    project("apply", "--yes", QUICKSTART)
    committed(project, "six images")
    git(project.folder, "switch", "-qc", "wolf")
    edit(project.folder, "a hedgehog]", "a hedgehog, a wolf]")
    project("apply", "--yes", QUICKSTART)
    committed(project, "a wolf")
    git(project.folder, "switch", "-q", "main")
    spec = project.folder / QUICKSTART
    spec.write_text(spec.read_text("utf-8") + "  sky: {model: stepfun-ai/Step1X-Edit, prompt: a sky}\n", "utf-8")
    project("apply", "--yes", QUICKSTART)
    committed(project, "a sky")
    git(project.folder, "merge", "-q", "--no-edit", "wolf")
    assert git(project.folder, "status", "--short") == ""
    project("lock", "--check", QUICKSTART)
    assert "Requests: 0.\n" in project("apply", "--yes", QUICKSTART).out
    assert all(row["outputs"] for row in rows(project.folder).values())


def test_lock_heals_a_conflict_by_address_and_keeps_the_images_of_both_sides(project: Any) -> None:
    git(project.folder, "init", "-q", "-b", "main")
    project("apply", "--yes", QUICKSTART)
    committed(project, "six images")
    git(project.folder, "switch", "-qc", "wolf")
    edit(project.folder, "a hedgehog]", "a hedgehog, a wolf]")
    project("apply", "--yes", QUICKSTART)
    committed(project, "a wolf")
    git(project.folder, "switch", "-q", "main")
    edit(project.folder, "a hedgehog]", "a hedgehog, a zebra]")
    project("apply", "--yes", QUICKSTART)
    committed(project, "a zebra")
    git(project.folder, "merge", "wolf", code=1)
    ours = (project.folder / QUICKSTART).read_text("utf-8")
    lines = [line for line in ours.splitlines() if not line.startswith(("<<<<<<<", "=======", ">>>>>>>"))]
    kept = [line.replace("a zebra", "a zebra, a wolf") for line in lines if "hedgehog, a wolf" not in line]
    (project.folder / QUICKSTART).write_text("\n".join(kept) + "\n", "utf-8")
    assert "<<<<<<<" in (project.folder / LOCK).read_text("utf-8")
    assert "error: lock with conflict markers\n" in project("plan", QUICKSTART, code=1).err
    assert "git merge" in project("lock", "--check", QUICKSTART, code=2).out
    healed = project("lock", QUICKSTART)
    assert "merged 8 and 8 runs by address into 10\n" in healed.err
    assert len(rows(project.folder)) == 10
    assert all(row["outputs"] for row in rows(project.folder).values())
    assert "Nothing to do: 10 keep.\n" in project("plan", QUICKSTART).out


def branches_with_images_in_git(project: Any) -> None:
    """Leave a merge whose spec and lock git has joined, and whose manifest it could not."""
    (project.folder / ".gitignore").write_text("", "utf-8")
    git(project.folder, "init", "-q", "-b", "main")
    project("apply", "--yes", QUICKSTART)
    committed(project, "six images")
    git(project.folder, "switch", "-qc", "wolf")
    edit(project.folder, "a hedgehog]", "a hedgehog, a wolf]")
    project("apply", "--yes", QUICKSTART)
    committed(project, "a wolf")
    git(project.folder, "switch", "-q", "main")
    spec = project.folder / QUICKSTART
    spec.write_text(spec.read_text("utf-8") + "  sky: {model: stepfun-ai/Step1X-Edit, prompt: a sky}\n", "utf-8")
    project("apply", "--yes", QUICKSTART)
    committed(project, "a sky")
    git(project.folder, "merge", "wolf", code=1)
    assert git(project.folder, "diff", "--name-only", "--diff-filter=U") == f"{MANIFEST}\n"


@pytest.mark.parametrize("healer", [("lock", QUICKSTART), ("apply", "--yes", "--frozen", QUICKSTART)])
def test_a_manifest_that_git_could_not_merge_is_written_anew(project: Any, healer: tuple[str, ...]) -> None:
    branches_with_images_in_git(project)
    assert "error: manifest with conflict markers\n" in project("export", QUICKSTART, code=1).err
    project(*healer)
    healed = (project.folder / MANIFEST).read_bytes()
    project("verify", QUICKSTART)
    (project.folder / MANIFEST).unlink()
    project("apply", "--yes", QUICKSTART)
    assert (project.folder / MANIFEST).read_bytes() == healed


def test_spec_with_conflict_markers_says_so(project: Any) -> None:
    path = project.folder / QUICKSTART
    path.write_text("<<<<<<< HEAD\n" + path.read_text("utf-8"), "utf-8")
    assert "quickstart.yaml:1:1: error: conflict markers\n" in project("validate", QUICKSTART, code=1).err

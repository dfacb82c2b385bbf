import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

SPEC = "specs/quickstart.yaml"
LOCK = "specs/quickstart.lock.json"


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=someone", "-c", "user.email=someone@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def changed(project: Any) -> Any:
    """A committed lock, and since then other words for the owls."""
    project("apply", "--yes", SPEC)
    git(project.folder, "init")
    git(project.folder, "add", ".")
    git(project.folder, "commit", "-m", "images")
    shutil.copy(project.folder / LOCK, project.folder / "before.lock.json")
    spec = project.folder / SPEC
    spec.write_text(spec.read_text("utf-8").replace("an owl", "an old owl"), "utf-8")
    project("apply", "--yes", SPEC)
    return project


def test_a_diff_is_against_the_last_commit(changed: Any) -> None:
    out = changed("diff", SPEC).out
    assert out.startswith(f"{SPEC}: HEAD (")
    assert "  + added 2 runs\n" in out
    assert "  - removed 2 runs\n" in out
    assert out.endswith("Difference: 2 added, 2 removed, 4 the same.\n")


def test_a_diff_against_what_is_committed_now_is_empty(changed: Any) -> None:
    git(changed.folder, "commit", "-a", "-m", "owls")
    assert changed("diff", SPEC).out.endswith("Difference: none, 6 the same.\n")
    assert changed("diff", "--base", "HEAD~1", SPEC).out.endswith("Difference: 2 added, 2 removed, 4 the same.\n")


def test_a_lock_file_serves_as_base_without_git(changed: Any) -> None:
    out = changed("diff", "--base", "before.lock.json", SPEC, env={"PATH": ""}).out
    assert out.startswith(f"{SPEC}: before.lock.json to now\n")
    assert out.endswith("Difference: 2 added, 2 removed, 4 the same.\n")


def test_a_spec_that_the_base_did_not_have_is_all_new(changed: Any) -> None:
    (changed.folder / "specs/new.yaml").write_text((changed.folder / SPEC).read_text("utf-8"), "utf-8")
    changed("apply", "--yes", "specs/new.yaml")
    assert "+ added 6 runs" in changed("diff", "specs/new.yaml").out


def test_a_spec_without_any_lock_has_nothing_to_compare(changed: Any) -> None:
    (changed.folder / "specs/new.yaml").write_text((changed.folder / SPEC).read_text("utf-8"), "utf-8")
    assert "nothing to compare" in changed("diff", "specs/new.yaml", code=1).err


def test_an_unknown_base_is_named(changed: Any) -> None:
    ended = changed("diff", "--base", "nosuch", SPEC, code=64)
    assert 'git knows no commit "nosuch", and there is no such file' in ended.err


def test_a_project_outside_git_says_what_to_do(project: Any) -> None:
    project("apply", "--yes", SPEC)
    ended = project("diff", SPEC, code=1, env={"GIT_CEILING_DIRECTORIES": str(project.folder.parent)})
    assert "hint: name the file of a lock instead: OLD.lock.json" in ended.err


def test_json_is_for_programs(changed: Any) -> None:
    (spec,) = json.loads(changed("diff", "--format", "json", SPEC).out)["specs"]
    assert spec["totals"] == {"replaced": 0, "added": 2, "removed": 2, "moved": 0, "same": 4}
    assert {run["change"] for run in spec["runs"]} == {"added", "removed"}


def test_markdown_links_thumbnails_that_are_put_into_a_folder(changed: Any) -> None:
    text = changed("diff", "--format", "markdown", "--thumbnails", "thumbs", SPEC).out
    html = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    assert html.count("<img ") == 4
    linked = {piece.partition('"')[0] for piece in html.split('<img src="')[1:]}
    assert {path.name for path in (changed.folder / "thumbs").iterdir()} == {Path(url).name for url in linked}


def test_markdown_links_thumbnails_where_others_put_them(changed: Any) -> None:
    text = changed("diff", "--format", "markdown", "--thumbnails", "https://example.org/t", SPEC).out
    assert text.count("https://example.org/t/") == 4
    assert not (changed.folder / "thumbs").exists()


def test_the_page_has_the_images_of_both_sides(changed: Any) -> None:
    ended = changed("diff", "--html", "diff.html", SPEC)
    assert "diff.html: 4 images" in ended.err
    page = (changed.folder / "diff.html").read_text("utf-8")
    data = json.loads(page.split('id="sheet">')[1].split("</script>")[0])
    assert [tile["before"]["small"] >= 0 for tile in data["tiles"] if "before" in tile] == [True, True]
    assert data["pairs"] is True


def test_images_before_come_from_the_shared_store_where_this_machine_has_lost_them(changed: Any) -> None:
    shared = changed.folder / "shared"
    shutil.copytree(changed.folder / ".specrun/store", shared)
    (changed.folder / "specrun.yaml").write_text(f"store: {{url: {shared.as_uri()}}}\n", "utf-8")
    shutil.rmtree(changed.folder / ".specrun/store")
    shutil.rmtree(changed.folder / "outputs/quickstart/animals")
    changed("diff", "--html", "diff.html", SPEC)
    page = (changed.folder / "diff.html").read_text("utf-8")
    data = json.loads(page.split('id="sheet">')[1].split("</script>")[0])
    assert [tile["before"]["small"] >= 0 for tile in data["tiles"] if "before" in tile] == [True, True]

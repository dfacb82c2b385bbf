import json
from pathlib import Path
from typing import Any

import pytest

QUICKSTART = "specs/quickstart.yaml"


@pytest.fixture
def orphaned(project: Any) -> Any:
    """A project whose spec has lost the hedgehog after its images were made."""
    project("apply", "--yes", QUICKSTART)
    path = project.folder / QUICKSTART
    path.write_text(path.read_text("utf-8").replace(", a hedgehog]", "]"), "utf-8")
    project("apply", "--yes", QUICKSTART)
    return project


def hedgehogs(folder: Path) -> list[Path]:
    return sorted((folder / "outputs").glob("**/*hedgehog*.png"))


def restore_spec(folder: Path) -> None:
    path = folder / QUICKSTART
    path.write_text(path.read_text("utf-8").replace("an owl]", "an owl, a hedgehog]"), "utf-8")


def addresses(folder: Path) -> list[str]:
    lock = json.loads((folder / "specs/quickstart.lock.json").read_text("utf-8"))
    return [row["address"] for row in lock["runs"]]


def test_apply_lists_orphans_and_leaves_them_where_they_are(orphaned: Any) -> None:
    assert len(hedgehogs(orphaned.folder)) == 2
    assert "2 orphan" in orphaned("plan", QUICKSTART).out
    orphaned("plan", "--detailed-exitcode", QUICKSTART)


def test_pruned_images_go_from_outputs_and_lock_and_come_back_without_a_request(orphaned: Any) -> None:
    ended = orphaned("prune", "--yes", QUICKSTART)
    assert ended.out == "quickstart: 2 orphans and 2 files removed\n"
    assert not hedgehogs(orphaned.folder)
    assert not any("hedgehog" in address for address in addresses(orphaned.folder))
    restore_spec(orphaned.folder)
    assert "Requests: 0.\n" in orphaned("apply", "--yes", QUICKSTART).out
    assert len(hedgehogs(orphaned.folder)) == 2


def test_pruning_the_store_as_well_is_final_and_touches_nothing_that_a_lock_names(orphaned: Any) -> None:
    ended = orphaned("prune", "--yes", "--store", QUICKSTART)
    assert ended.out.endswith("store: 2 images removed\n")
    for path in (orphaned.folder / "outputs").glob("**/*.png"):
        path.unlink()
    assert "Requests: 0.\n" in orphaned("apply", "--yes", "--frozen", QUICKSTART).out
    assert orphaned("prune", "--yes", "--store", QUICKSTART).out == (
        "quickstart: no orphans\nstore: every image is named by a lock\n"
    )
    restore_spec(orphaned.folder)
    assert "Requests: 2.\n" in orphaned("apply", "--yes", QUICKSTART).out


def test_apply_prunes_when_told_to(orphaned: Any) -> None:
    assert orphaned("apply", "--yes", "--prune", QUICKSTART).out.endswith("quickstart: 2 orphans and 2 files removed\n")
    assert not hedgehogs(orphaned.folder)


def test_an_orphan_that_somebody_changed_stays(orphaned: Any) -> None:
    edited = hedgehogs(orphaned.folder)[0]
    edited.write_bytes(edited.read_bytes() + b" ")
    ended = orphaned("prune", "--yes", QUICKSTART)
    assert "was changed by hand" in ended.err
    assert hedgehogs(orphaned.folder) == [edited]


def test_prune_removes_nothing_unasked(orphaned: Any) -> None:
    assert "nobody to ask" in orphaned("prune", QUICKSTART, code=64).err
    assert len(hedgehogs(orphaned.folder)) == 2


def test_the_store_is_left_alone_while_a_lock_cannot_be_read(orphaned: Any) -> None:
    (orphaned.folder / "specs" / "other.lock.json").write_text("<<<<<<< HEAD\n", "utf-8")
    store = sorted((orphaned.folder / ".specrun/store").glob("??/*"))
    assert "conflict markers" in orphaned("prune", "--yes", "--store", QUICKSTART, code=1).err
    assert sorted((orphaned.folder / ".specrun/store").glob("??/*")) == store


def test_who_excludes_every_cell_is_warned_before_anything_is_removed(project: Any) -> None:
    spec = project.folder / QUICKSTART
    project("apply", "--yes", QUICKSTART)
    text = spec.read_text("utf-8")
    exclude = "    exclude: [{style: [watercolour, woodcut]}]\n"
    assert "    matrix:" in text
    spec.write_text(text.replace("    matrix:", f"{exclude}    matrix:", 1), "utf-8")
    for command, code in (["plan"], 0), (["prune"], 64), (["apply", "--prune"], 64):
        ended = project(*command, QUICKSTART, code=code)
        assert "warning: no cell left\n  `exclude` leaves no cell of job " in ended.err
    assert hedgehogs(project.folder)

"""Shards from the command line."""

from typing import Any

import pytest

QUICKSTART = "specs/quickstart.yaml"


def test_shards_leave_parts_and_merge_makes_the_lock(project: Any) -> None:
    lock = project.folder / "specs/quickstart.lock.json"
    for number in (1, 2, 3):
        project("apply", "--yes", "--shard", f"{number}/3", QUICKSTART)
    assert not lock.exists()
    assert len(list(project.folder.glob("specs/quickstart.lock.*-of-3.json"))) == 3
    assert "Requests: 0." in project("apply", "--yes", "--shard", "2/3", QUICKSTART).out
    # What nobody has merged yet is not thrown away either.
    assert "every image is named by a lock" in project("prune", "--yes", "--store", QUICKSTART).out
    assert "3 parts merged into 6 runs" in project("merge", QUICKSTART).out
    assert lock.exists()
    assert list(project.folder.rglob("*-of-3.json")) == []
    assert "Nothing to do: 6 keep." in project("plan", QUICKSTART).out


@pytest.mark.parametrize("share", ["0/4", "5/4", "1", "a/b", "1/0", "-1/4"])
def test_a_share_that_is_none_is_wrong_usage(project: Any, share: str) -> None:
    assert "is not a share like 2/4" in project("apply", f"--shard={share}", QUICKSTART, code=64).err


def test_a_share_goes_with_nothing_that_is_for_the_whole(project: Any) -> None:
    for other in ("--prune", "--rehearse", "--gallery", "--target=animals"):
        assert "--shard does not go with" in project("apply", "--shard=1/2", other, QUICKSTART, code=64).err


def test_merge_names_the_shards_that_are_missing(project: Any) -> None:
    assert "no parts of quickstart.lock.json" in project("merge", QUICKSTART, code=1).err
    # Nothing was begun that an apply would have to end first.
    assert "every image is named by a lock" in project("prune", "--yes", "--store", QUICKSTART).out
    project("apply", "--yes", "--shard=2/3", QUICKSTART)
    assert "of 3 shards these have left no part here: 1, 3" in project("merge", QUICKSTART, code=1).err


def test_a_part_that_git_could_not_join_is_healed_as_its_message_says(project: Any) -> None:
    for number in (1, 2):
        project("apply", "--yes", "--shard", f"{number}/2", QUICKSTART)
    part = project.folder / "specs/quickstart.lock.1-of-2.json"
    text = part.read_text()
    part.write_text(f"<<<<<<< ours\n{text}=======\n{text}>>>>>>> theirs\n")
    for command in (("merge",), ("apply", "--yes", "--shard=1/2")):
        said = project(*command, QUICKSTART, code=1).err
        assert "take one side of it whole, as `git checkout --ours specs/quickstart.lock.1-of-2.json` does" in said
        assert "`specrun apply --shard 1/2 SPEC`" in said
    part.write_text(text)
    assert "Requests: 0." in project("apply", "--yes", "--shard=1/2", QUICKSTART).out
    project("merge", QUICKSTART)

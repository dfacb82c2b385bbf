"""Images that no lock counts, removed from a shared store; over the real S3 protocol, in good times and bad."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from s3_server import Fault, S3Server, s3_server
from s3_team import SPEC, Team, images

LOCK = "specs/dots.lock.json"
PRUNE = ("prune", "--yes", "--shared", "--lock", LOCK)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture
def team(specrun: Any, s3: S3Server) -> Team:
    return Team(specrun, s3, s3.bucket())


def narrow(machine: Path, runs: int = 2) -> None:
    """Let the spec have fewer runs, and the lock forget the others."""
    path = machine / SPEC
    path.write_text(path.read_text("utf-8").replace("range(4)", f"range({runs})"), "utf-8")


@pytest.fixture
def ann(team: Team) -> Path:
    """A machine that made four images long ago and needs two of them."""
    ann = team.machine("ann")
    team.run(ann, "apply", "--yes", SPEC)
    team.s3.age(team.bucket, days=8)
    narrow(ann)
    team.run(ann, "prune", "--yes", SPEC)
    return ann


def keys(team: Team) -> set[str]:
    return {key for key in team.s3.objects(team.bucket) if not key.endswith("/pruned")}


def test_what_no_lock_counts_goes_and_what_one_counts_stays(team: Team, ann: Path) -> None:
    before = keys(team)
    ended = team.run(ann, *PRUNE)
    assert ended.out == f"s3://{team.bucket}/images: 2 images removed\n"
    assert re.search(r": 2 images \(0\.\d MB\), put there from .* to .*, in none of 1 lock named\n", ended.err)
    assert keys(team) < before
    second = team.machine("second")
    narrow(second)
    team.run(second, "apply", "--yes", "--frozen", SPEC)
    assert len(images(second)) == 2
    assert "every image is named by a lock" in team.run(ann, *PRUNE).out


def test_the_locks_of_several_files_and_revisions_and_of_the_specs_named_all_count(team: Team, ann: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *arguments], cwd=ann, check=True, capture_output=True)

    narrow_lock = (ann / LOCK).read_bytes()
    path = ann / SPEC
    path.write_text(path.read_text("utf-8").replace("range(2)", "range(3)"), "utf-8")
    team.run(ann, "apply", "--yes", SPEC)
    git("init", "-q", "-b", "main")
    git("add", "specs")
    git("commit", "-qm", "Three")
    (ann / LOCK).write_bytes(narrow_lock)
    path.write_text(path.read_text("utf-8").replace("range(3)", "range(2)"), "utf-8")
    ended = team.run(ann, *PRUNE, "--lock", f"main:{LOCK}")
    assert ended.out.endswith("1 image removed\n")
    assert len(keys(team)) == 3
    other = ann / "elsewhere.json"
    shutil.move(ann / LOCK, other)
    assert team.run(ann, "prune", "--yes", "--shared", "--lock", "elsewhere.json").out.endswith("1 image removed\n")
    assert len(keys(team)) == 2
    shutil.copy(other, ann / LOCK)
    (ann / "empty.json").write_text(_without_runs(other), "utf-8")
    assert "named by a lock" in team.run(ann, "prune", "--yes", "--shared", "--lock", "empty.json", SPEC).out


def _without_runs(lock: Path) -> str:
    text = lock.read_text("utf-8")
    return text[: text.index('"runs": [')] + '"runs": []\n}\n'


def test_a_lock_of_this_checkout_that_was_left_out_keeps_everything(team: Team, ann: Path) -> None:
    (ann / "empty.json").write_text(_without_runs(ann / LOCK), "utf-8")
    ended = team.run(ann, "prune", "--yes", "--shared", "--lock", "empty.json", code=1)
    assert "error: lock left out" in ended.err
    assert f"add --lock {(ann / LOCK).resolve()}" in ended.err
    assert len(keys(team)) == 4


UNCLEAR = (
    (("--shared",), 64, "no locks that count"),
    (("--shared", SPEC), 64, "no locks that count"),
    (("--shared", "--lock", "specs/nowhere.lock.json"), 1, "no such lock"),
    (("--shared", "--lock", LOCK, "--lock", "marked.json"), 1, "conflict markers"),
    (("--shared", "--lock", "torn.json"), 1, "broken lock"),
    (("--shared", "--lock", "no-such-branch:x.lock.json"), 1, "no git history"),
    (("--shared", "--lock", LOCK, "--older-than", "soon"), 64, "is not an age like"),
    (("--lock", LOCK, SPEC), 64, "are for --shared"),
    (("--older-than", "1d", SPEC), 64, "are for --shared"),
    ((), 64, "Missing argument"),
)


def test_what_is_not_clear_removes_nothing(team: Team, ann: Path) -> None:
    text = (ann / LOCK).read_text("utf-8")
    (ann / "marked.json").write_text(f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n", "utf-8")
    (ann / "torn.json").write_text(text[:100], "utf-8")
    team.s3.asked.clear()
    for arguments, code, said in UNCLEAR:
        assert said in team.run(ann, "prune", "--yes", *arguments, code=code).err
    assert team.s3.asked == []


def test_a_store_that_is_only_read_is_refused(team: Team, ann: Path) -> None:
    settings = ann / "specrun.yaml"
    settings.write_text(settings.read_text("utf-8").replace("readwrite", "read"), "utf-8")
    assert "store that is only read" in team.run(ann, *PRUNE, code=1).err
    assert len(keys(team)) == 4


def test_nothing_goes_unasked(team: Team, ann: Path) -> None:
    assert "nobody to ask" in team.run(ann, "prune", "--shared", "--lock", LOCK, code=64).err
    assert len(keys(team)) == 4


def test_what_was_just_put_there_is_spared(team: Team, ann: Path) -> None:
    # Somebody else uploads, and has not pushed their lock.
    path = ann / SPEC
    path.write_text(path.read_text("utf-8").replace("dot {{ i }}", "new dot {{ i }}"), "utf-8")
    old = (ann / LOCK).read_bytes()
    team.run(ann, "apply", "--yes", SPEC)
    (ann / LOCK).write_bytes(old)
    assert team.run(ann, *PRUNE).out.endswith("2 images removed\n")
    assert len(keys(team)) == 4
    assert team.run(ann, *PRUNE, "--older-than", "30m").out.endswith("was put there lately\n")
    assert team.run(ann, *PRUNE, "--older-than", "0d").out.endswith("2 images removed\n")
    assert len(keys(team)) == 2


def test_objects_that_are_no_images_of_the_store_stay(team: Team, ann: Path) -> None:
    name = "0" * 62
    foreign = {
        "images/README", f"images/00/{name}.bak", f"images/deep/00/{name}", "images/0/1", f"other/00/{name}",
        f"images2/00/{name}", f"images/AA/{name}",
    }  # fmt: skip
    for key in foreign:
        team.s3.client().put_object(Bucket=team.bucket, Key=key, Body=b"mine")
    team.s3.age(team.bucket, days=400)
    team.run(ann, *PRUNE)
    assert foreign < keys(team)
    assert len(keys(team)) == 2 + len(foreign)


def test_faults_that_pass_do_not_matter(team: Team, ann: Path) -> None:
    for method in ("LIST", "POST", "PUT", "HEAD"):
        team.s3.faults.append(Fault(method=method, kind="unavailable", times=2))
    assert team.run(ann, *PRUNE).out.endswith("2 images removed\n")


def test_a_removal_that_breaks_off_says_so_and_a_rerun_goes_on(team: Team, ann: Path) -> None:
    team.s3.faults.append(Fault(method="POST", kind="unavailable", times=1000))
    ended = team.run(ann, *PRUNE, code=1)
    assert ended.out.endswith(": 0 images removed\n")
    assert "error: removal not finished" in ended.err
    assert "2 images of s3://" in ended.err
    assert len(keys(team)) == 4
    team.s3.faults.clear()
    assert team.run(ann, *PRUNE).out.endswith("2 images removed\n")
    assert "named by a lock" in team.run(ann, *PRUNE).out


def test_a_removal_that_was_refused_removes_nothing_and_names_the_reason(team: Team, ann: Path) -> None:
    team.s3.faults.append(Fault(method="LIST", kind="unavailable", times=1000))
    assert "error: nothing removed" in team.run(ann, *PRUNE, code=1).err
    team.s3.faults[:] = [Fault(method="POST", kind="denied", times=1000)]
    ended = team.run(ann, *PRUNE, code=1)
    assert "refuses access" in ended.err
    assert len(keys(team)) == 4


def test_a_removal_that_did_its_work_and_was_killed_before_it_said_so_is_ended_by_a_rerun(
    team: Team, ann: Path
) -> None:
    team.killed(ann, "POST", *PRUNE)
    assert len(keys(team)) == 2
    assert team.s3.objects(team.bucket)["images/pruned"].startswith(b"begun ")
    team.run(ann, *PRUNE)
    assert team.s3.objects(team.bucket)["images/pruned"].startswith(b"ended ")


@pytest.mark.parametrize("broken_off", [False, True])
def test_no_machine_believes_what_it_knew_of_images_that_somebody_removed(team: Team, *, broken_off: bool) -> None:
    ann, bob = team.machine("ann"), team.machine("bob")
    team.run(ann, "apply", "--yes", SPEC)
    shutil.copy(ann / LOCK, bob / LOCK)
    team.run(bob, "apply", "--yes", SPEC)
    before = (bob / LOCK).read_bytes()
    for machine in (ann, bob):
        narrow(machine)
        team.run(machine, "prune", "--yes", SPEC)
    team.s3.age(team.bucket, days=8)
    if broken_off:
        team.s3.faults.append(Fault(method="PUT", kind="denied", times=2))
        team.s3.faults[0:0] = [Fault(method="PUT", kind="none")]
    team.run(ann, *PRUNE, code=1 if broken_off else 0)
    team.s3.faults.clear()
    assert len(keys(team)) == 2
    # Bob takes the two back. His machine has put them there once, and knows better than to count on it.
    (bob / LOCK).write_bytes(before)
    path = bob / SPEC
    path.write_text(path.read_text("utf-8").replace("range(2)", "range(4)"), "utf-8")
    assert "Requests: 0." in team.run(bob, "apply", "--yes", SPEC).out
    assert len(keys(team)) == 4
    team.s3.asked.clear()
    team.run(bob, "apply", "--yes", SPEC)
    assert team.s3.asked == []


def test_a_folder_is_pruned_like_a_bucket(specrun: Any, tmp_path: Path) -> None:
    store = tmp_path / "store"
    (tmp_path / "specs").mkdir()
    (tmp_path / "specrun.yaml").write_text(f"provider: sandbox\nstore: {{url: 'file://{store}'}}\n", "utf-8")
    spec = tmp_path / SPEC
    spec.write_text(
        "specrun: 1\njobs:\n  dots: {model: black-forest-labs/FLUX.1-dev, prompt: 'dot {{ i }}',"
        " matrix: {i: [1, 2, 3]}, params: {size: 256x256}}\n",
        "utf-8",
    )
    specrun("apply", "--yes", SPEC)
    (store / "notes.txt").write_text("mine", "utf-8")
    spec.write_text(spec.read_text("utf-8").replace("[1, 2, 3]", "[1, 3]"), "utf-8")
    images = sorted(store.glob("??/*"))
    specrun("prune", "--yes", "--shared", "--lock", LOCK, SPEC)
    assert sorted(store.glob("??/*")) == images
    for path in images:
        os.utime(path, (0, 0))
    assert specrun("prune", "--yes", "--shared", "--lock", LOCK).out == f"file://{store}: 1 image removed\n"
    assert len(list(store.glob("??/*"))) == 2
    assert (store / "notes.txt").read_text("utf-8") == "mine"

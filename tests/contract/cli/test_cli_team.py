"""A team's week, with real git and a real S3-protocol server: nothing is made twice, nothing is lost."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from s3_server import S3Server, s3_server

SPEC, LOCK = "specs/shots.yaml", "specs/shots.lock.json"
IDENTITY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "team",
    "GIT_AUTHOR_EMAIL": "team@example.com",
    "GIT_COMMITTER_NAME": "team",
    "GIT_COMMITTER_EMAIL": "team@example.com",
}


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@dataclass(frozen=True)
class Machine:
    """A person's checkout, alone on its machine."""

    folder: Path
    shell: Any
    s3: S3Server

    def git(self, *arguments: str, code: int = 0) -> str:
        ended = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=os.environ | IDENTITY,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stdout

    def specrun(self, *arguments: str, code: int = 0) -> Any:
        return self.shell("-C", str(self.folder), *arguments, env=self.s3.environment(), code=code)

    def requests(self, *arguments: str) -> int:
        """Apply, and return how many requests that took."""
        out = self.specrun("apply", "--yes", *arguments, SPEC).out
        return int(out.rpartition("Requests: ")[2].partition(".")[0])

    def write(self, *animals: str) -> None:
        (self.folder / SPEC).write_text(
            "specrun: 1\nprovider: sandbox\njobs:\n"
            + "".join(
                f"  {animal}:\n    model: black-forest-labs/FLUX.1-dev\n    prompt: a {animal} in {{{{ style }}}}\n"
                "    matrix: {style: [ink, gouache]}\n    params: {size: 256x256}\n"
                for animal in sorted(animals)
            ),
            "utf-8",
        )

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def images(self) -> dict[str, bytes]:
        outputs = self.folder / "outputs"
        return {path.relative_to(outputs).as_posix(): path.read_bytes() for path in sorted(outputs.rglob("*.png"))}


@dataclass(frozen=True)
class Team:
    """A repository, a bucket, and machines that clone the one and share the other."""

    folder: Path
    shell: Any
    s3: S3Server
    bucket: str

    def clone(self, name: str) -> Machine:
        command = ["git", "clone", "-q", str(self.folder / "origin.git"), str(self.folder / name)]
        subprocess.run(command, check=True, capture_output=True)
        return Machine(self.folder / name, self.shell, self.s3)

    def stored(self) -> int:
        return len(self.s3.objects(self.bucket))

    def started(self) -> Machine:
        """Let A start the project, make four images, and push the lock."""
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(self.folder / "origin.git")], check=True)
        ann = self.clone("ann")
        self.shell("init", str(ann.folder))
        (ann.folder / "specs/quickstart.yaml").unlink()
        ann.git("checkout", "-qb", "main")
        with (ann.folder / "specrun.yaml").open("a", encoding="utf-8") as settings:
            settings.write(f"store: {{url: s3://{self.bucket}/images}}\n")
        ann.write("cat", "owl")
        assert ann.requests() == 4
        ann.commit("Cats and owls")
        ann.git("push", "-qu", "origin", "main")
        return ann


@pytest.fixture
def team(specrun: Any, s3: S3Server, tmp_path: Path) -> Team:
    return Team(tmp_path, specrun, s3, s3.bucket())


def test_a_teams_week(team: Team) -> None:
    ann = team.started()
    assert team.stored() == 4

    # B has nothing but the clone: every image comes back, nothing is asked for, the tree stays clean.
    bob = team.clone("bob")
    assert bob.requests("--frozen", "--locked") == 0
    assert bob.images() == ann.images()
    assert bob.git("status", "--porcelain") == ""

    # A and C add runs on two branches, at the same place of the spec.
    cem = team.clone("cem")
    cem.git("checkout", "-qb", "foxes")
    cem.write("cat", "dog", "owl")
    assert cem.requests() == 2
    cem.commit("Dogs")
    cem.git("push", "-qu", "origin", "foxes")
    ann.write("cat", "fox", "owl")
    assert ann.requests() == 2
    ann.commit("Foxes")

    # A merges: the spec by hand, the lock by `lock`. C's images come along, and nothing is asked for.
    ann.git("fetch", "-q")
    ann.git("merge", "-q", "-m", "Merge dogs", "origin/foxes", code=1)
    ann.write("cat", "dog", "fox", "owl")
    ann.specrun("lock", SPEC)
    ann.commit("Merge dogs")
    assert ann.requests() == 0
    assert cem.images().items() <= ann.images().items()
    assert len(ann.images()) == 8
    assert ann.git("status", "--porcelain") == ""
    ann.git("push", "-q")

    # Only what is new is asked for.
    cem.git("checkout", "-q", "main")
    cem.git("pull", "-q")
    cem.write("ant", "cat", "dog", "fox", "owl")
    assert cem.requests() == 2
    assert team.stored() == 10

    # C's machine burns down; the lock and the store are enough.
    spec, lock, images = ((cem.folder / SPEC).read_bytes(), (cem.folder / LOCK).read_bytes(), cem.images())
    shutil.rmtree(cem.folder)
    reborn = team.clone("reborn")
    (reborn.folder / SPEC).write_bytes(spec)
    (reborn.folder / LOCK).write_bytes(lock)
    assert reborn.requests("--frozen") == 0
    assert reborn.images() == images


def test_ci_refuses_a_stale_lock_and_makes_nothing(team: Team) -> None:
    team.started()
    ci = team.clone("ci")
    ci.write("ant", "cat", "owl")
    for arguments in (("lock", "--check", SPEC), ("apply", "--yes", "--locked", SPEC)):
        ci.specrun(*arguments, code=2)
    assert not (ci.folder / "outputs").exists()
    assert team.stored() == 4


def test_a_fork_plans_alone_restores_and_writes_nothing(team: Team) -> None:
    team.started()
    fork = team.clone("fork")
    settings = fork.folder / "specrun.yaml"
    settings.write_text(settings.read_text("utf-8").replace("/images}", "/images, mode: read}"), "utf-8")
    fork.write("cat", "elk", "owl")
    team.s3.asked.clear()
    assert "2 create, 4 restore" in fork.specrun("plan", "specs").out
    assert team.s3.asked == []
    assert fork.requests() == 2
    assert len(fork.images()) == 6
    assert "store that is only read" in fork.specrun("push", SPEC, code=1).err
    assert {method for method, _ in team.s3.asked} == {"GET"}
    assert team.stored() == 4

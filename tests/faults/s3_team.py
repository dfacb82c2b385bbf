"""Machines that share a bucket, and what each of them runs."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3_server import CREDENTIALS, HANGS, Fault, S3Server

SPEC = "specs/dots.yaml"


@dataclass
class Team:
    """Machines that share a bucket and a repository's files."""

    specrun: Any
    s3: S3Server
    bucket: str

    @property
    def folder(self) -> Path:
        folder: Path = self.specrun.folder
        return folder

    def machine(self, name: str, *, mode: str = "readwrite", runs: int = 4) -> Path:
        """Make a machine with the spec and, where there is one already, its lock."""
        root = self.folder / name
        (root / "specs").mkdir(parents=True)
        store = f"store: {{url: s3://{self.bucket}/images, mode: {mode}}}\n"
        (root / "specrun.yaml").write_text(f"provider: sandbox\n{store}", "utf-8")
        (root / SPEC).write_text(
            "specrun: 1\njobs:\n  dots:\n    model: black-forest-labs/FLUX.1-dev\n"
            f'    prompt: "dot {{{{ i }}}}"\n    matrix: {{i: "{{{{ range({runs}) | list }}}}"}}\n'
            "    params: {size: 256x256}\n",
            "utf-8",
        )
        for lock in list(self.folder.glob("*/specs/dots.lock.json"))[:1]:
            shutil.copy(lock, root / "specs")
        return root

    def killed(self, machine: Path, method: str, *arguments: str, after: Path | None = None) -> None:
        """Run a command and kill it while the bucket hangs over a request of this method, once a file is there."""
        self.s3.faults.append(Fault(method=method, kind="hang", times=1000))
        self.s3.asked.clear()
        command = [sys.executable, "-m", "specrun", "-C", str(machine), *arguments]
        environment = os.environ | self.s3.environment()
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet) as process:
            deadline = time.monotonic() + 60
            while self.s3.count(method) == 0 or not (after is None or after.exists()):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            process.kill()
        time.sleep(HANGS + 0.2)  # until the server has done what was asked of it
        self.s3.faults.clear()

    def run(self, machine: Path, *arguments: str, code: int | None = 0) -> Any:
        ended = self.specrun("-C", str(machine), *arguments, env=self.s3.environment(), code=code)
        assert not any(secret in ended.out + ended.err for secret in CREDENTIALS.values())
        return ended


def images(machine: Path) -> dict[str, bytes]:
    folder = machine / "outputs/dots"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.png"))}

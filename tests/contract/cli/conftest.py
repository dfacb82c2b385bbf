"""The command line as a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """Runs specrun in `folder`; no test's output may hold a traceback."""

    folder: Path

    def __call__(
        self, *arguments: str, env: Mapping[str, str] | None = None, stdin: str = "", code: int | None = 0
    ) -> Ended:
        """Run `specrun ARGUMENTS…`; `code` is the exit code expected, None for any."""
        ended = subprocess.run(
            [sys.executable, "-m", "specrun", *arguments],
            cwd=self.folder,
            env=environment() | dict(env or {}),
            input=stdin.encode(),
            capture_output=True,
            check=False,
            timeout=120,
        )
        result = Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())
        assert "Traceback" not in result.err, result.err
        assert code is None or result.code == code, result
        return result


def environment() -> dict[str, str]:
    """Return an environment without anything that would change what specrun prints."""
    dropped = ("NO_COLOR", "FORCE_COLOR", "GITHUB_", "SPECRUN_", "MODELVERSE_", "ARK_", "CI")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}


@pytest.fixture
def specrun(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def project(specrun: Shell) -> Shell:
    """A project as `specrun init` makes it."""
    specrun("init")
    return specrun

"""What a newcomer has: a copy of the files that users touch, and a shell in it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Checkout:
    """A folder with the examples and the schemas."""

    folder: Path

    def run(self, command: str, *, code: int | None = 0, env: Mapping[str, str] | None = None) -> str:
        """Run a line of shell at the root and return what it printed; `code` is the exit code due, None for any."""
        ended = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=_environment() | dict(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
            timeout=300,
        )
        assert code in (None, ended.returncode), f"$ {command}\n{ended.stdout}"
        return ended.stdout

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace the one place where a file says `old`."""
        path = self.folder / name
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new), "utf-8")

    def state(self) -> dict[str, tuple[int, bytes]]:
        """Return each lock, manifest and image with its modification time."""
        kept = (*self.folder.glob("specs/*.lock.json"), *self.folder.glob("outputs/**/*"))
        return {
            path.relative_to(self.folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
            for path in sorted(kept)
            if path.is_file()
        }


def _environment() -> dict[str, str]:
    dropped = ("NO_COLOR", "FORCE_COLOR", "GITHUB_", "SPECRUN_", "MODELVERSE_", "ARK_", "CI")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    # Unbuffered, so that both streams come in the order in which they were written.
    return kept | {
        "PYTHONUNBUFFERED": "1",
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", os.defpath))),
    }


def _check_out(folder: Path) -> Checkout:
    left = shutil.ignore_patterns("*.lock.json")
    for name in ("specs", "schemas"):
        shutil.copytree(ROOT / name, folder / name, ignore=left)
    (folder / ".git").mkdir()  # what marks a checkout's root
    return Checkout(folder)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return _check_out(tmp_path)


@pytest.fixture(scope="module")
def shared_checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """One that a module's tests have in common."""
    return _check_out(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def another_checkout(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Checkout]:
    """Make one more, as another machine would."""
    return lambda: _check_out(tmp_path_factory.mktemp("elsewhere"))

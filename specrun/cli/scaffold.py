"""A new project's files; what is already there stays as it is."""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import msgspec

from specrun.atomic import write_atomic
from specrun.catalog.shipped import format_path

SPEC = "specs/quickstart.yaml"
WORKFLOW = ".github/workflows/specrun.yml"

_STARTER = Path(__file__).parent / "starter"


class Fate(Enum):
    """What became of one file."""

    MADE = "made"
    ADDED_TO = "added to"
    KEPT = "kept"
    LEFT_OUT = "left out"


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a new project; `path` is relative to its folder, `note` says why where that is not plain."""

    path: str
    fate: Fate
    note: str = ""


def scaffold(folder: Path, *, commit_outputs: bool) -> Iterator[Written]:
    """Write a working project into `folder`, which need not exist; yield what became of each file."""
    yield _new(folder, "specrun.yaml", (_STARTER / "specrun.yaml").read_bytes())
    yield _new(folder, SPEC, (_STARTER / "quickstart.yaml").read_bytes())
    yield _new(folder, "schemas/spec.schema.json", format_path("spec").read_bytes())
    yield _ignored(folder, ["/.specrun/"] if commit_outputs else ["/.specrun/", "/outputs/"])
    root = _repository(folder)
    if root in (None, folder.resolve()):
        yield _new(folder, WORKFLOW, (_STARTER / "workflow.yml").read_bytes())
    else:
        yield Written(path=WORKFLOW, fate=Fate.LEFT_OUT, note=f"GitHub reads workflows only in {root}")


def _new(folder: Path, name: str, content: bytes) -> Written:
    path = folder / name
    if path.exists():
        return Written(path=name, fate=Fate.KEPT)
    write_atomic(path, content)
    return Written(path=name, fate=Fate.MADE)


def _ignored(folder: Path, lines: list[str]) -> Written:
    """Make `.gitignore` or add the lines that it lacks."""
    path = folder / ".gitignore"
    if not path.exists():
        return _new(folder, ".gitignore", ("\n".join(lines) + "\n").encode())
    before = path.read_bytes()
    present = {line.strip().strip(b"/") for line in before.splitlines()}
    missing = [line for line in lines if line.strip("/").encode() not in present]
    if not missing:
        return Written(path=".gitignore", fate=Fate.KEPT)
    gap = b"" if before.endswith(b"\n") or not before else b"\n"
    write_atomic(path, before + gap + ("\n".join(missing) + "\n").encode())
    return Written(path=".gitignore", fate=Fate.ADDED_TO, note=", ".join(missing))


def _repository(folder: Path) -> Path | None:
    """Return the root of the git repository that `folder` is or will be in."""
    whole = folder.resolve()
    return next((parent for parent in (whole, *whole.parents) if (parent / ".git").exists()), None)

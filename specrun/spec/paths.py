"""Paths that specs name: relative to the spec, never out of the project."""

import re
from pathlib import Path

import msgspec

from specrun.diagnostics import Collector, Diagnostic, Span, did_you_mean

_LONGEST_NAME = 255
# Of names without their suffixes: one letter of five may differ, not one of three.
_ALIKE = 0.8
_NO_NAME = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class PathRefusedError(ValueError):
    """A path that a spec may not name; the message says why."""


class ProjectPaths(msgspec.Struct, frozen=True, eq=False):
    """Turns the paths of one spec into files; `folder` is the spec's own, `outputs` where specs' images go.

    `asked` gathers every path as it was named, since links on the way may come to lead elsewhere.
    """

    root: Path
    folder: Path
    outputs: Path
    asked: set[Path] = msgspec.field(default_factory=set)

    def inside(self, name: str) -> Path:
        """Return the real path of `name`; raise `PathRefusedError` where it leaves the project, symlinks included."""
        if _NO_NAME.search(name):
            raise PathRefusedError("it holds a control character, or one that is not UTF-8")
        if "\\" in name:
            raise PathRefusedError("paths are written with /, on Windows too")
        if any(len(part.encode()) > _LONGEST_NAME for part in name.split("/")):
            raise PathRefusedError("a part of it is too long for a file name")
        if name.startswith(("/", "~")) or Path(name).is_absolute():
            raise PathRefusedError("paths are relative to the spec")
        self.asked.add(self.folder / name)
        try:
            path = (self.folder / name).resolve()
        except (OSError, RuntimeError):
            raise PathRefusedError("it cannot be followed to a file") from None
        if not path.is_relative_to(self.root):
            raise PathRefusedError(f"it leads out of the project, which is the folder {self.root.name}")
        return path

    def resolve(self, name: str, span: Span, faults: Collector) -> Path | None:
        """Return the real path of a file that must exist, or None after saying what is wrong with it."""
        try:
            path = self.inside(name)
        except PathRefusedError as error:
            faults.add(Diagnostic(summary="path refused", detail=f'"{name}": {error}', span=span))
            return None
        if not path.is_file():
            detail = f'"{name}" does not exist next to the spec'
            faults.add(Diagnostic(summary="no such file", detail=detail, span=span, hint=self.nearby(path)))
            return None
        return path

    def shown(self, path: Path) -> str:
        """Return a path relative to the project root, with /."""
        return path.relative_to(self.root).as_posix()

    def nearby(self, path: Path) -> str:
        """Return a hint that names the file most likely meant, one that nothing else has named, or the folder to it."""
        missing = path
        while missing.parent != self.root and not missing.parent.exists():
            missing = missing.parent
        try:
            found = [entry for entry in missing.parent.iterdir() if not entry.name.startswith(".")]
        except OSError:
            return f"there is no folder {path.parent.name}"
        if missing != path:
            near = did_you_mean(missing.name, [entry.name for entry in found if entry.is_dir()])
            return f"there is no folder {missing.name}" + (f"; {near}" if near else "")
        return did_you_mean(
            path.name, [each.name for each in found if each not in self.asked and _near(path.name, each.name)]
        )


def _near(missing: str, there: str) -> bool:
    """Whether a name may be a slip for another, not just that of another product: numbers are never slips."""
    from difflib import SequenceMatcher  # noqa: PLC0415 - only for a mistake

    one, other = (name.rpartition(".")[0] or name for name in (missing.casefold(), there.casefold()))
    if re.findall(r"[0-9]+", one) != re.findall(r"[0-9]+", other):
        return False
    return SequenceMatcher(None, one, other).ratio() >= _ALIKE

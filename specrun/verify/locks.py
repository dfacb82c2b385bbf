"""All locks of a project, for finding an address or an image without being told its spec."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from specrun.diagnostics import InvalidInputError
from specrun.model.lock import Lock
from specrun.store.lockfile import read_lock

_SUFFIX = ".lock.json"
_LOCK = re.compile(r"\.lock\.json$")
# Also what shards have made and nobody has merged yet.
LOCK_OR_PART = re.compile(r"\.lock(\.\d+-of-\d+)?\.json$")


class LockFile(msgspec.Struct, frozen=True, kw_only=True):
    """A lock and where it stands."""

    path: Path
    lock: Lock

    @property
    def spec(self) -> Path:
        """The spec's path, as far as lock and spec stand side by side."""
        return self.path.with_name(Path(self.lock.spec).name)

    @property
    def variant(self) -> str | None:
        """The variant's name, None for the spec's own lock."""
        stem = self.path.name.removesuffix(_SUFFIX)
        return None if stem == self.spec.stem else stem


def locks_of(root: Path, outputs: Path) -> tuple[LockFile, ...]:
    """Return the locks below a project's root that can be read; hidden folders and the outputs are not looked into."""
    found = []
    for path in lock_paths(root, outputs):
        try:
            lock = read_lock(path)
        except InvalidInputError:
            continue
        if lock is not None:
            found.append(LockFile(path=path, lock=lock))
    return tuple(found)


def lock_paths(root: Path, outputs: Path, suffix: re.Pattern[str] = _LOCK) -> Iterator[Path]:
    """Yield every lock file below a project's root, readable or not."""
    for parent, folders, names in os.walk(root):
        here = Path(parent)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and here / name != outputs)
        for name in sorted(names):
            if suffix.search(name):
                yield here / name

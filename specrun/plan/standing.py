"""What stands below a spec's folder of outputs, and what of it keeps images from their paths."""

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

from specrun.model.output_path import IMAGE_EXTENSIONS, stem
from specrun.store.obstacles import Obstacle, file_obstacle, folder_obstacle, kind_obstacle


class Outputs:
    """The folder of one spec; of folders below it, each is listed at once, and once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names: dict[str, frozenset[str]] = {}
        self._obstacles: dict[str, Obstacle | None] = {}

    @cached_property
    def empty(self) -> bool:
        """Whether there is nothing at all, not even a folder."""
        return not self.folder.exists() and not self.folder.is_symlink()

    def at(self, path: str) -> Iterator[str]:
        """Yield the path, and those that differ from it in the suffix that follows the bytes, where anything stands."""
        if not self.empty and self._obstacle_above(path) is None:
            candidates = (path, *(f"{stem(path)}.{extension}" for extension in IMAGE_EXTENSIONS))
            yield from filter(self._has, dict.fromkeys(candidates))

    def obstacle(self, path: str, stored: Callable[[str], bool], *, locked: bool = False) -> Obstacle | None:
        """Return what keeps an image from a path; `stored` says which bytes the store has.

        Any file may be replaced where the lock has one: what a person made of it is kept aside.
        """
        found = self._obstacle_above(path)
        if found is not None or not self._has(path):
            return found
        target, shown = self.folder / path, self._shown(path)
        return kind_obstacle(target, shown) if locked else file_obstacle(target, shown, stored)

    def _obstacle_above(self, path: str) -> Obstacle | None:
        parent = path.rpartition("/")[0]
        if parent not in self._obstacles:
            self._obstacles[parent] = folder_obstacle(self.folder, self.folder / parent, self._shown(parent))
        return self._obstacles[parent]

    def _has(self, path: str) -> bool:
        parent, _, name = path.rpartition("/")
        if parent not in self._names:
            folder = self.folder / parent
            self._names[parent] = frozenset(each.name for each in folder.iterdir()) if folder.is_dir() else frozenset()
        return name in self._names[parent]

    def _shown(self, path: str) -> str:
        """Return what a person calls a path: the same on every machine."""
        return f"{self.folder.parent.name}/{self.folder.name}/{path}".rstrip("/")

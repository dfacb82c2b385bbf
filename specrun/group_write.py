"""Many files written durably with few waits for the disk, each as wholly the old or wholly the new as one alone."""

import contextlib
import functools
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec

from specrun.atomic import create, made_in, sync_folder, temporary_name

T = TypeVar("T")

# A disk that several wait for flushes once for all of them.
_SYNCERS = 4


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """A file to be written, and the name that it has until all of it is on the disk."""

    path: Path
    data: bytes
    temporary: Path

    @classmethod
    def beside(cls, path: Path, data: bytes) -> Self:
        """Return a write whose temporary file `remove_leftovers` knows."""
        return cls(path=path, data=data, temporary=temporary_name(path))


def write_all(groups: Sequence[Sequence[Write]]) -> list[OSError | None]:
    """Write files as `write_atomic` does; return what stopped each group, None where nothing did.

    All files of all groups are on the disk under their temporary names before the first gets its own, in the order
    given. A group that cannot be written keeps no temporary file, and does not keep the others from being written.
    """
    batch = [_Group(writes) for writes in groups]
    for group in batch:
        group.attempt(_Group.stage)
    unsynced = _synced(os.fsync, [handle for group in batch for handle in group.handles])
    for group in batch:
        group.fail(unsynced.get(handle) for handle in group.handles)
        group.attempt(_Group.give_names)
    unnamed = _synced(sync_folder, list({folder for group in batch for folder in group.folders}))
    for group in batch:
        group.fail(unnamed.get(folder) for folder in group.folders)
    return [group.error for group in batch]


class _Group:
    """Files of one owner on their way to the disk: none of them gets its name where one of them cannot be written."""

    def __init__(self, writes: Sequence[Write]) -> None:
        self.error: OSError | None = None
        self.handles: list[int] = []
        self.folders: set[Path] = set()
        self._writes = writes

    def attempt(self, step: "Callable[[_Group], None]") -> None:
        """Take a step, unless one before it failed."""
        if self.error is None:
            try:
                step(self)
            except OSError as error:
                self.fail([error])

    def fail(self, errors: Iterable[OSError | None]) -> None:
        """Give up at the first error, if there is one."""
        self.error = self.error or next(filter(None, errors), None)
        if self.error is not None:
            self._close()
            for write in self._writes:
                with contextlib.suppress(OSError):
                    write.temporary.unlink(missing_ok=True)

    def stage(self) -> None:
        """Write all under temporary names; the disk begins, and nobody waits for it."""
        for write in self._writes:
            handle = self._in_folder(write.temporary, create)
            self.handles.append(handle)
            rest = memoryview(write.data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            _begin_writing_back(handle)

    def give_names(self) -> None:
        """Rename what is on the disk to its path; `folders` are then to be synced."""
        self._close()
        for write in self._writes:
            self._in_folder(write.path, write.temporary.replace)
            self.folders.add(write.path.parent)

    def _in_folder(self, path: Path, step: Callable[[Path], T]) -> T:
        """Take a step that needs the folder of its path; the folder is made once it turns out that there is none."""
        try:
            return step(path)
        except FileNotFoundError:
            self.folders.update(made_in(path.parent))
            return step(path)

    def _close(self) -> None:
        while self.handles:
            os.close(self.handles.pop())


def _synced(sync: Callable[[T], None], those: Sequence[T]) -> dict[T, OSError]:
    """Sync many at once, and return what failed."""

    def each(part: Sequence[T]) -> list[tuple[T, OSError]]:
        failed = []
        for one in part:
            try:
                sync(one)
            except OSError as error:
                failed.append((one, error))
        return failed

    first, *others = (those[start::_SYNCERS] for start in range(max(1, min(_SYNCERS, len(those)))))
    waiting = [_submit()(each, part) for part in others]
    return dict([*each(first), *(pair for part in waiting for pair in part.result())])


@functools.cache
def _submit() -> Callable[..., Any]:
    # Plans look for files and write none: they start faster without threads.
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    return ThreadPoolExecutor(_SYNCERS - 1, thread_name_prefix="syncer").submit


def _begin_writing_back(handle: int) -> None:
    """Have the system write a file's pages to the disk from now on, so that a sync finds less to wait for."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)

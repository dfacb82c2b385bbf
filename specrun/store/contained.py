"""Files that are read as files and nothing else, and folders that nothing leads out of."""

import errno
import os
import stat
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path

# What a name may stand for beside a file, and whether reading it ever ends nobody can say.
_OTHERS: Mapping[int, str] = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
}
# What may be written to as it comes.
STREAMS = frozenset(("a named pipe", "a device"))
_OPENING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_FOLLOWING = getattr(os, "O_NOFOLLOW", 0)


class NotAFileError(OSError):
    """What stands where a file should: `strerror` says what it is."""


class LeadsOutError(OSError):
    """A path below a folder that a symbolic link leads out of it."""


def kind_of(path: Path) -> str | None:
    """Return what stands at a path where that is no file, links not followed; None for a file and for nothing."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    return None if stat.S_ISREG(mode) else _OTHERS.get(stat.S_IFMT(mode), "no file")


def read_regular(path: Path) -> bytes:
    """Return what a file holds; raises `OSError`, without waiting, also for a pipe or a device."""
    with open_regular(path) as file:
        return file.read()


def open_regular(path: Path, *, follow: bool = True) -> BufferedReader:
    """Open a file for reading; raises `OSError`, without waiting, for what is none, for a link unless `follow`."""
    if not follow and path.is_symlink():
        raise NotAFileError(errno.EINVAL, "it is a symbolic link, not a file", str(path))
    handle = _opened(path, _OPENING if follow else _OPENING | _NO_FOLLOWING)
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise _not_a_file(path, stat.S_IFMT(mode))
    return os.fdopen(handle, "rb")


class Contained:
    """The files below a folder by their paths, with /; none is read, or removed, where a link leads out of the folder.

    What leads where is seen right before each step, since it may have changed since the last.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._real = os.path.realpath(folder)

    def place(self, path: str) -> Path:
        """Return where a file stands, links on the way followed; raises `LeadsOutError`."""
        parent, _, name = path.rpartition("/")
        if name in {"", ".", ".."}:
            raise NotAFileError(errno.EINVAL, "it is no file's name", path)
        real = os.path.realpath(os.path.join(self._real, parent)) if parent else self._real  # noqa: PTH118 - for 100,000
        if real != self._real and not real.startswith(self._real.rstrip(os.sep) + os.sep):
            raise LeadsOutError(errno.EXDEV, f"a symbolic link leads out of {self.folder}", str(self.folder / path))
        return Path(real, name)

    def open(self, path: str) -> BufferedReader:
        """Open a file for reading; raises `OSError`, also where it is a link or leads out."""
        return open_regular(self.place(path), follow=False)

    def read(self, path: str) -> bytes:
        """Return what a file holds; raises `OSError` as `open` does."""
        with self.open(path) as file:
            return file.read()

    def holds(self, path: str) -> bool:
        """Whether a file stands there, and no link."""
        try:
            return stat.S_ISREG(self.place(path).lstat().st_mode)
        except OSError:
            return False

    def remove(self, path: str) -> None:
        """Remove a file, and the folders that this leaves empty; raises `OSError`."""
        place = self.place(path)
        place.unlink()
        self._remove_empty(place.parent)

    def _remove_empty(self, folder: Path) -> None:
        while str(folder) != self._real and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent


def _opened(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags)
    except OSError as error:
        # A socket cannot be opened at all.
        kind = kind_of(path) if error.errno in {errno.ELOOP, errno.ENXIO} else None
        if kind is None:
            raise
        raise NotAFileError(errno.EINVAL, f"it is {kind}, not a file", str(path)) from error


def _not_a_file(path: Path, mode: int) -> OSError:
    if stat.S_ISDIR(mode):
        return IsADirectoryError(errno.EISDIR, "it is a folder, not a file", str(path))
    return NotAFileError(errno.EINVAL, f"it is {_OTHERS.get(mode, 'no file')}, not a file", str(path))

"""Files that are either wholly the old or wholly the new, also after a power cut."""

import contextlib
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")
# Characters of the final name; in UTF-8 they take up to four bytes each, of the 255 that a name may have.
_KEPT = 50
_numbers = itertools.count(int.from_bytes(os.urandom(4)))
# The folder that a project's state is in: each machine's own, and nothing for git.
_STATE = ".specrun"


def write_atomic(path: Path, data: bytes | Iterable[bytes]) -> os.stat_result:
    """Replace `path` durably: temporary file beside it, fsync, rename, fsync of the folder.

    Return what the new file was like before it got its name. Raises `OSError` as the file system gives it; the old
    file is then still whole.
    """
    make_folder(path.parent)
    chunks = (data,) if isinstance(data, bytes) else data
    with _temporary(path) as (handle, temporary):
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
            like = os.fstat(file.fileno())
        temporary.replace(path)
    sync_folder(path.parent)
    return like


def write_if_changed(path: Path, data: bytes) -> bool:
    """Write `data` unless the file already holds it, so that its mtime tells the truth; say whether it wrote."""
    if holds(path, data):
        return False
    write_atomic(path, data)
    return True


def write_text_if_changed(path: Path, data: bytes) -> bool:
    """Write a text likewise; one that git checked out with line ends of its own is the same text."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > len(data) and path.read_bytes().replace(b"\r\n", b"\n") == data:
            return False
    return write_if_changed(path, data)


def holds(path: Path, data: bytes) -> bool:
    """Say whether a file is there and holds just this."""
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except FileNotFoundError:
        return False


def remove_leftovers(files: Iterable[Path]) -> None:
    """Remove those of `files` that are temporary files of a writer that was killed; call it when none can be alive."""
    for path in files:
        if _LEFTOVER.fullmatch(path.name):
            path.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make `folder` and its parents, durably; a project's `.specrun` is made so that git ignores it."""
    for parent in made_in(folder):
        sync_folder(parent)


def made_in(folder: Path) -> list[Path]:
    """Make `folder` and its parents as `make_folder` does; return those that hold new ones, for the caller to sync."""
    missing = []
    probe = folder
    while not probe.exists():
        missing.append(probe)
        probe = probe.parent
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        if made.name == _STATE:
            (made / ".gitignore").write_text("*\n", "utf-8", newline="\n")
    return [made.parent for made in missing]


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` durable; a no-op where folders cannot be opened (Windows)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def temporary_name(path: Path) -> Path:
    """Return a name beside `path` that nobody uses, for its content until that is whole."""
    return path.with_name(f".{path.name[:_KEPT]}.{unused_number()}.tmp")


def unused_number() -> str:
    """Return eight hex digits that no other temporary file of this process has in its name."""
    return f"{next(_numbers) % (1 << 32):08x}"


def create(path: Path) -> int:
    """Return a handle to write to a new file."""
    # Not tempfile's private files: what we write follows the user's umask, which only making a file can ask about.
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o666)


@contextlib.contextmanager
def _temporary(path: Path) -> Iterator[tuple[int, Path]]:
    temporary = temporary_name(path)
    handle = create(temporary)
    try:
        yield handle, temporary
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

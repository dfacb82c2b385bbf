"""What output files were like when their content was last read, so that unchanged ones need not be read again.

A convenience for planning only: what checks content reads content.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import msgspec

from specrun.atomic import write_if_changed
from specrun.store.contained import Contained, read_regular
from specrun.store.document import collector_paused

# Size, modification and change times in nanoseconds, inode: whatever touches content moves one of them.
Stamp: TypeAlias = tuple[int, int, int, int]

_SECOND = 1_000_000_000


class _Seen(msgspec.Struct, kw_only=True, gc=False):
    """What files were like, an entry a file in each list: that is read twice as fast as an object a file."""

    paths: list[str] = []
    stamps: list[Stamp] = []
    digests: list[str] = []


_DECODER = msgspec.json.Decoder(_Seen)


class SeenFiles:
    """The files below one `folder`, by path; a list that is missing or damaged only costs time."""

    def __init__(self, record: Path, folder: Path) -> None:
        self._record = record
        self.folder = folder
        self._files = Contained(folder)
        self._seen = _Seen()
        with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError), collector_paused():
            found = _DECODER.decode(read_regular(record))
            if len(found.paths) == len(found.stamps) == len(found.digests):
                self._seen = found

    def digest(self, path: str) -> str | None:
        """Return the digest of a file, None where there is none; read only where it may have changed."""
        try:
            known = self._known.get(path)
            if known is not None and self._stamp(path) == known[0]:
                return known[1]
            return self._read(path)
        except OSError:
            return None

    def files(self) -> Iterator[str]:
        """Yield the paths of all files that stand in the folder now."""
        for parent, _, names in os.walk(self.folder):
            inside = Path(parent).relative_to(self.folder)
            yield from ((inside / name).as_posix() for name in names)

    def read(self, path: str) -> bytes | None:
        """Return what a file holds, None where there is none."""
        try:
            return self._files.read(path)
        except OSError:
            return None

    def differing(self, paths: Sequence[str], digests: Sequence[str]) -> set[tuple[str, str]]:
        """Return which of some paths, each with the digest wanted, have another content, or none."""
        moved = set(self._moved())
        if not moved and paths == self._seen.paths and digests == self._seen.digests:
            return set()
        known = self._digests
        wanted = zip(paths, digests, strict=True)
        doubtful = [(path, digest) for path, digest in wanted if path in moved or known.get(path) != digest]
        return {(path, digest) for path, digest in doubtful if self.digest(path) != digest}

    def unmoved(self) -> bool:
        """Whether all these files are as they were."""
        return next(self._moved(), None) is None

    def knows(self, paths: Sequence[str], digests: Sequence[str]) -> bool:
        """Whether some paths, each with the digest wanted, are all that is known."""
        return self._digests == dict(zip(paths, digests, strict=True))

    def remember(self, paths: Iterable[str], written: Mapping[str, str]) -> None:
        """Write down what files are like now; `written` holds the digests of those that were just written."""
        found: dict[str, tuple[Stamp, str]] = {}
        for path in paths:
            with contextlib.suppress(OSError):
                # The stamp first: a change while the file is read then shows.
                like = self._stamp(path)
                digest = written.get(path) or self.digest(path)
                if like is not None and digest is not None:
                    found[path] = (like, digest)
        stamps, digests = ([entry[part] for entry in found.values()] for part in (0, 1))
        write_if_changed(
            self._record, msgspec.json.encode({"paths": list(found), "stamps": stamps, "digests": digests})
        )

    def _moved(self) -> Iterator[str]:
        """Yield those that are not as they were."""
        for path, like in zip(self._seen.paths, self._seen.stamps, strict=True):
            try:
                if self._stamp(path) == like:
                    continue
            except OSError:
                pass
            yield path

    def _stamp(self, path: str) -> Stamp | None:
        # A link's own: what it leads to is not looked at, as it is not ours.
        return stamp(f"{self.folder}/{path}", follow=False)

    def _read(self, path: str) -> str:
        with self._files.open(path) as file:
            return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()

    @cached_property
    def _digests(self) -> Mapping[str, str]:
        return dict(zip(self._seen.paths, self._seen.digests, strict=True))

    @cached_property
    def _known(self) -> Mapping[str, tuple[Stamp, str]]:
        return dict(zip(self._seen.paths, zip(self._seen.stamps, self._seen.digests, strict=True), strict=True))


def seen_files(state: Path, outputs: Path) -> SeenFiles:
    """Return what is known of a spec's folder of outputs; `state` is the project's `.specrun`."""
    return SeenFiles(seen_path(state, outputs), outputs)


def seen_path(state: Path, outputs: Path) -> Path:
    """Return where that is written down."""
    return state / "seen" / f"{outputs.name}.json"


def changed(like: Stamp) -> int:
    """Return when a file was last changed in any way, Unix time in nanoseconds."""
    return max(like[1], like[2])


def stamp(path: str, *, follow: bool = True) -> Stamp | None:
    """Return a file's stamp; None where its disk counts in whole seconds, which two changes may share."""
    found = os.stat(path, follow_symlinks=follow)  # noqa: PTH116 - a path object takes as long as the file system does
    if found.st_mtime_ns % _SECOND == 0:
        return None
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)

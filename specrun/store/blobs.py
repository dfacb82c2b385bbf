"""Content-addressed local storage of the bytes that servers sent."""

import contextlib
import errno
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from specrun.atomic import holds, sync_folder, unused_number
from specrun.canonical import digest
from specrun.diagnostics import Diagnostic, SpecrunError
from specrun.group_write import Write, write_all
from specrun.store.contained import kind_of, read_regular
from specrun.store.named import is_digest

# What a blob is called while it is written: its digest, and a number that no other writer uses.
_STAGED = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{8}")


class DamagedBlobError(SpecrunError):
    """A stored file whose content is not what its name says."""


class Blobs:
    """Files named by the SHA-256 of their content, at `<folder>/ab/cdef…`.

    `staging` is the folder where files are written before they get their name: one of its own for each writer,
    so that `adopt` can tell what a killed writer left from what another is writing right now.
    """

    def __init__(self, folder: Path, *, staging: str = "incoming") -> None:
        self._folder = folder
        self._staging = folder / "incoming" / staging

    def path(self, blob: str) -> Path:
        """Return where the blob with this digest stands, whether it is there or not.

        Raises `FileNotFoundError` for what is no digest, so that nothing that was read names a file elsewhere.
        """
        if not is_digest(blob):
            raise FileNotFoundError(errno.ENOENT, "not a SHA-256 digest", blob)
        name = blob.removeprefix("sha256:")
        return self._folder / name[:2] / name[2:]

    def has(self, blob: str) -> bool:
        """Say whether the blob is stored."""
        return is_digest(blob) and self.path(blob).is_file()

    def all(self) -> Iterator[tuple[str, Path]]:
        """Yield the digest and place of everything stored; what has no digest for a name is not ours."""
        for path in sorted(self._folder.glob("[0-9a-f][0-9a-f]/*")):
            blob = f"sha256:{path.parent.name}{path.name}"
            if is_digest(blob) and not path.parent.is_symlink():
                yield blob, path

    def read(self, blob: str) -> bytes:
        """Return the blob's bytes, checked against its digest; raise `DamagedBlobError` or `FileNotFoundError`."""
        path = self.path(blob)
        data = read_regular(path)
        if digest(data) != blob:
            raise DamagedBlobError(
                Diagnostic(
                    summary="damaged file in the store",
                    detail=f"{path} does not hold what its name says; its disk or another program changed it",
                    hint="delete it; what it held is then restored from a shared store or the outputs folder",
                )
            )
        return data

    def put(self, data: bytes) -> str:
        """Store `data` durably and return its digest."""
        return self.put_all([data])[0]

    def put_all(self, blobs: Sequence[bytes]) -> tuple[str, ...]:
        """Store several blobs, durably once this returns, and return their digests."""
        names = tuple(map(digest, blobs))
        (error,) = write_all([self.writes(dict(zip(names, blobs, strict=True)))])
        if error is not None:
            raise error
        return names

    def writes(self, blobs: Mapping[str, bytes]) -> list[Write]:
        """Return what is to be written, as one group, so that these blobs, by their digests, are stored durably.

        All of a group are staged before the first gets its name, so where one of them stands after a kill, `adopt`
        finds the rest. A blob that is there already is written again only where it is damaged.
        """
        found = {name for name, data in blobs.items() if holds(self.path(name), data)}
        # Who gave them their names may not have come to making these durable yet.
        for folder in {self.path(name).parent for name in found}:
            sync_folder(folder)
        return [self._write(name, data) for name, data in blobs.items() if name not in found]

    def adopt(self) -> None:
        """Name the whole files that a killed writer staged and drop the torn ones."""
        with contextlib.suppress(FileNotFoundError):
            staged = sorted(self._staging.iterdir()) if self._is_own(self._staging) else ()
            for temporary in staged:
                if not _STAGED.fullmatch(temporary.name) or kind_of(temporary):
                    continue
                data = temporary.read_bytes()
                if digest(data) == "sha256:" + temporary.name.partition(".")[0]:
                    self.put(data)
                temporary.unlink()

    def _is_own(self, folder: Path) -> bool:
        """Say whether a folder of the store is in it: where a link leads out, nothing there is ours to remove."""
        return folder.resolve().is_relative_to(self._folder.resolve())

    def _write(self, blob: str, data: bytes) -> Write:
        name = f"{blob.removeprefix('sha256:')}.{unused_number()}"
        return Write(path=self.path(blob), data=data, temporary=self._staging / name)

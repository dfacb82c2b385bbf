"""Content-addressed local storage of the bytes that servers sent."""

import contextlib
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from specrun.atomic import holds, sync_folder
from specrun.canonical import digest
from specrun.diagnostics import Diagnostic, SpecrunError
from specrun.group_write import Write, write_all


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
        """Return where the blob with this digest stands, whether it is there or not."""
        name = blob.removeprefix("sha256:")
        return self._folder / name[:2] / name[2:]

    def has(self, blob: str) -> bool:
        """Say whether the blob is stored."""
        return self.path(blob).is_file()

    def all(self) -> Iterator[tuple[str, Path]]:
        """Yield the digest and place of everything stored."""
        for path in sorted(self._folder.glob("[0-9a-f][0-9a-f]/*")):
            yield f"sha256:{path.parent.name}{path.name}", path

    def read(self, blob: str) -> bytes:
        """Return the blob's bytes, checked against its digest; raise `DamagedBlobError` or `FileNotFoundError`."""
        path = self.path(blob)
        data = path.read_bytes()
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
        (stored,) = self.put_groups([blobs])
        if isinstance(stored, OSError):
            raise stored
        return stored

    def put_groups(self, groups: Sequence[Sequence[bytes]]) -> list[tuple[str, ...] | OSError]:
        """Store groups of blobs, durably once this returns: each group's digests, or why it could not be stored.

        All of a group are staged before the first gets its name, so where one of them stands after a kill, `adopt`
        finds the rest. A blob that is there already is written again only where it is damaged.
        """
        digests = [tuple(digest(data) for data in group) for group in groups]
        named = [dict(zip(names, group, strict=True)) for names, group in zip(digests, groups, strict=True)]
        found = {name for group in named for name, data in group.items() if holds(self.path(name), data)}
        errors = write_all(
            [[self._write(name, data) for name, data in group.items() if name not in found] for group in named]
        )
        return [
            error or self._synced(found.intersection(names)) or names
            for names, error in zip(digests, errors, strict=True)
        ]

    def adopt(self) -> None:
        """Name the whole files that a killed writer staged and drop the torn ones."""
        with contextlib.suppress(FileNotFoundError):
            for temporary in sorted(self._staging.iterdir()):
                data = temporary.read_bytes()
                if digest(data) == "sha256:" + temporary.name.partition(".")[0]:
                    self.put(data)
                temporary.unlink()

    def _write(self, blob: str, data: bytes) -> Write:
        name = f"{blob.removeprefix('sha256:')}.{os.urandom(4).hex()}"
        return Write(path=self.path(blob), data=data, temporary=self._staging / name)

    def _synced(self, found: Collection[str]) -> OSError | None:
        """Make the names of blobs found here durable: who gave them may not have come to that yet."""
        try:
            for folder in {self.path(blob).parent for blob in found}:
                sync_folder(folder)
        except OSError as error:
            return error
        return None

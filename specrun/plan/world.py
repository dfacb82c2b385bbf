"""What a plan is decided from beside the spec: lock, files on disk, stored bytes, and what was asked before."""

from collections.abc import Callable, Mapping
from functools import cached_property

from specrun.canonical import digest
from specrun.model.lock import Lock, LockedOutput, LockRow
from specrun.provenance.sidecar import SIDECAR, sidecar
from specrun.store.blobs import Blobs
from specrun.store.handiwork import Written
from specrun.store.ledger_questions import LedgerView
from specrun.store.seen import SeenFiles
from specrun.store.standing import Standing


class World:
    """A view that reads and never writes; each file is looked at once at most."""

    def __init__(
        self, lock: Lock | None, outputs: SeenFiles, blobs: Blobs, ledger: LedgerView, *, shared: bool
    ) -> None:
        self.rows = {} if lock is None else lock.rows
        self._outputs = outputs
        self._blobs = blobs
        self._written = Written(self.rows.values(), blobs)
        self._ledger = ledger
        self._shared = shared
        self._digests: dict[str, str | None] = {}

    def delivered(self, output: LockedOutput) -> bool:
        """Whether the file on disk is what the lock says."""
        return (output.path, output.file) not in self.damaged

    @cached_property
    def damaged(self) -> set[tuple[str, str]]:
        """The outputs of all locked runs whose files are not what the lock says, by path and digest."""
        outputs = [output for row in self.rows.values() for output in row.outputs]
        return self._outputs.differing([output.path for output in outputs], [output.file for output in outputs])

    def told(self, row: LockRow, output: LockedOutput) -> bool:
        """Whether what should stand beside the file, if anything, does."""
        text = sidecar(row, output)
        return text is None or self.digest(output.path + SIDECAR) == digest(text)

    def digest(self, path: str) -> str | None:
        """Return the digest of an output file, None where there is none."""
        if path not in self._digests:
            self._digests[path] = self._outputs.digest(path)
        return self._digests[path]

    def edited(self, path: str) -> bool:
        """Whether a file stands there that specrun did not write so: a person has changed it."""
        try:
            return self._outputs.content(path) not in self._written
        except OSError:
            return False

    def stored(self, blob: str) -> bool:
        """Whether the bytes are in the local store, or may be in a shared one."""
        return self._shared or self._blobs.has(blob)

    def standings(self, wanted: Callable[[], Mapping[str, int]]) -> Mapping[str, Standing]:
        """Return what earlier attempts in this project mean for requests, by digest and the take wanted.

        `wanted` is asked only where there were any.
        """
        return self._ledger.standings(wanted()) if self._ledger.exists else {}

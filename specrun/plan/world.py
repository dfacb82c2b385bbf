"""What a plan is decided from beside the spec: lock, files on disk, stored bytes, and what was asked before."""

from collections.abc import Callable, Container, Mapping
from functools import cached_property

from specrun.canonical import digest
from specrun.model.lock import Lock, LockedOutput, LockRow
from specrun.model.output_path import stem
from specrun.plan.standing import Outputs
from specrun.provenance.facts import ProvenanceError
from specrun.provenance.sidecar import SIDECAR, sidecar
from specrun.store.blobs import Blobs
from specrun.store.handiwork import Written
from specrun.store.ledger_questions import LedgerView
from specrun.store.obstacles import Obstacle
from specrun.store.seen import SeenFiles
from specrun.store.standing import Standing


class World:
    """A view that reads and never writes; each file is looked at once at most."""

    def __init__(
        self, lock: Lock | None, outputs: SeenFiles, blobs: Blobs, ledger: LedgerView, shared: Container[str]
    ) -> None:
        """Look into a store that is `shared` by its blobs, as far as that can be told from here."""
        self.rows = {} if lock is None else lock.rows
        self.files = Outputs(outputs.folder)
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

    def as_locked(self, path: str) -> bool:
        """Whether a locked image stands at a path, of whatever type, just as it was delivered."""
        return stem(path) in self._intact

    def obstacle(self, path: str) -> Obstacle | None:
        """Return what keeps an image from a path."""
        return self.files.obstacle(path, self._blobs.has, locked=path in self._paths)

    @cached_property
    def _intact(self) -> set[str]:
        outputs = (output for row in self.rows.values() for output in row.outputs)
        return {stem(output.path) for output in outputs if (output.path, output.file) not in self.damaged}

    @cached_property
    def _paths(self) -> set[str]:
        return {output.path for row in self.rows.values() for output in row.outputs}

    def told(self, row: LockRow, output: LockedOutput) -> bool:
        """Whether what should stand beside the file, if anything, does."""
        text = sidecar(row, output)
        return text is None or self.digest(output.path + SIDECAR) == digest(text)

    def digest(self, path: str) -> str | None:
        """Return the digest of an output file, None where there is none."""
        if path not in self._digests:
            self._digests[path] = self._outputs.digest(path)
        return self._digests[path]

    def holds_another(self, path: str, key: str | None, blob: str | None) -> bool:
        """Whether an image stands at a path, with whatever suffix, that is neither `blob` nor made under `key`."""
        found = (self._outputs.read(name) for name in self._standing.get(stem(path), ()))
        return any(data is not None and not _is_of(data, key, blob) for data in found)

    @cached_property
    def _standing(self) -> Mapping[str, list[str]]:
        """All files in the outputs folder, by their names without an image's suffix."""
        files: dict[str, list[str]] = {}
        for path in self._outputs.files():
            files.setdefault(stem(path), []).append(path)
        return files

    def edited(self, path: str) -> bool:
        """Whether a file stands there that specrun did not write so: a person has changed it."""
        there = self._outputs.read(path)
        return there is not None and there not in self._written

    def stored(self, blob: str) -> bool:
        """Whether the bytes are in the local store, or may be in a shared one."""
        return self._blobs.has(blob) or blob in self._shared

    def standings(self, wanted: Callable[[], Mapping[str, int]]) -> Mapping[str, Standing]:
        """Return what earlier attempts in this project mean for requests, by digest and the take wanted.

        `wanted` is asked only where there were any.
        """
        return self._ledger.standings(wanted()) if self._ledger.exists else {}


def _is_of(data: bytes, key: str | None, blob: str | None) -> bool:
    """Whether an image says of itself, or by its bytes, that it is the one wanted."""
    from specrun.provenance.embed import extract  # noqa: PLC0415 - hardly a plan looks into images

    if digest(data) == blob:
        return True
    try:
        facts = extract(data)
    except ProvenanceError:
        return False
    return facts is not None and (facts.blob == blob or facts.key == key is not None)

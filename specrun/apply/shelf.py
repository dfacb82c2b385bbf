"""Locked images that can be had without a request: in the store, in the outputs folder, or in the shared store."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import Executor
from pathlib import Path

from specrun.apply.shared import Sharing
from specrun.model.lock import LockedOutput, LockRow
from specrun.provenance.embed import original
from specrun.store.blobs import Blobs
from specrun.store.contained import Contained
from specrun.store.tries import SharedStoreError


class Shelf:
    """Finds images; what only the outputs folder or a shared store holds is brought into the store first.

    Delivery may overwrite a file of the outputs folder later, when two runs swap their paths.
    """

    def __init__(self, outputs: Path, blobs: Blobs, writers: Executor, sharing: Sharing | None) -> None:
        self._outputs = Contained(outputs)
        self._blobs = blobs
        self._writers = writers
        self._sharing = sharing
        self._trouble: dict[str, SharedStoreError] = {}

    @property
    def shared(self) -> bool:
        """Whether there is a shared store to look into."""
        return self._sharing is not None

    async def has_all(self, row: LockRow) -> bool:
        """Say whether all images of a row are in the store, or are now."""
        blobs = [output.blob for output in row.outputs]
        if self._stored(blobs):
            return True
        found = await asyncio.get_running_loop().run_in_executor(self._writers, self.adopt, row)
        return found or await self.fetch_all(blobs)

    async def fetch_all(self, blobs: Iterable[str]) -> bool:
        """Say whether all these blobs are in the store, or are now, from the shared one."""
        loop = asyncio.get_running_loop()
        missing = [blob for blob in blobs if not self._blobs.has(blob)]
        there = [await loop.run_in_executor(self._writers, self._fetched, blob) for blob in missing]
        return all(there)

    def trouble(self, blobs: Iterable[str]) -> SharedStoreError | None:
        """Return why the shared store did not help with these blobs; where it may yet, that comes first."""
        found = [self._trouble[blob] for blob in blobs if blob in self._trouble]
        return min(found, key=lambda error: error.gone, default=None)

    def adopt(self, row: LockRow) -> bool:
        """Bring a row's images into the store from the files they stand in; say whether all are there now."""
        there = [self._blobs.has(output.blob) or self._adopted(output) for output in row.outputs]
        return all(there)

    def _stored(self, blobs: Iterable[str]) -> bool:
        return all(self._blobs.has(blob) for blob in blobs)

    def _adopted(self, output: LockedOutput) -> bool:
        try:
            data = self._outputs.read(output.path)
        except OSError:
            return False
        received = original(data, output.blob)
        return received is not None and self._blobs.put(received) == output.blob

    def _fetched(self, blob: str) -> bool:
        if self._sharing is None:
            return False
        trouble = self._sharing.bring(blob)
        if trouble is not None:
            self._trouble[blob] = trouble
        return trouble is None

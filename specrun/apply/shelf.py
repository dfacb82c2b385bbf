"""Locked images that can be had without a request: in the store, or still standing in the outputs folder."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import Executor
from pathlib import Path

from specrun.model.lock import LockedOutput, LockRow
from specrun.provenance.embed import original
from specrun.store.blobs import Blobs


class Shelf:
    """Finds a row's images; what only the outputs folder holds is brought into the store first.

    Delivery may overwrite that file later, when two runs swap their paths.
    """

    def __init__(self, outputs: Path, blobs: Blobs, writers: Executor) -> None:
        self._outputs = outputs
        self._blobs = blobs
        self._writers = writers

    async def has_all(self, row: LockRow) -> bool:
        """Say whether all images of a row are in the store, or are now."""
        if self.stored(output.blob for output in row.outputs):
            return True
        return await asyncio.get_running_loop().run_in_executor(self._writers, self.adopt, row)

    def stored(self, blobs: Iterable[str]) -> bool:
        """Say whether all these blobs are in the store."""
        return all(self._blobs.has(blob) for blob in blobs)

    def adopt(self, row: LockRow) -> bool:
        """Bring a row's images into the store from the files they stand in; say whether all are there now."""
        there = [self._blobs.has(output.blob) or self._adopted(output) for output in row.outputs]
        return all(there)

    def _adopted(self, output: LockedOutput) -> bool:
        try:
            data = (self._outputs / output.path).read_bytes()
        except OSError:
            return False
        received = original(data, output.blob)
        return received is not None and self._blobs.put(received) == output.blob

"""The bytes of images that were received, wherever this machine has them."""

from collections.abc import Iterable
from pathlib import Path

from specrun.canonical import digest
from specrun.model.lock import LockRow
from specrun.store.blobs import Blobs, DamagedBlobError
from specrun.store.contained import Contained
from specrun.store.shared import SharedStore
from specrun.store.tries import SharedStoreError


class MissingError(Exception):
    """An image whose bytes are not on this machine; the message says so."""


class Originals:
    """Reads images from the store, else from the outputs folder, where a file must be what its lock row says.

    `shared` is asked for what this machine does not have.
    """

    def __init__(self, blobs: Blobs, outputs: Path, rows: Iterable[LockRow], shared: SharedStore | None = None) -> None:
        self._blobs = blobs
        self._outputs = Contained(outputs)
        self._files = {output.blob: output for row in rows for output in row.outputs}
        self._shared = shared

    def read(self, blob: str) -> bytes:
        """Return the bytes of an image; raises `MissingError`."""
        try:
            return self._blobs.read(blob)
        except (OSError, DamagedBlobError):
            pass
        try:
            return self._file(blob)
        except MissingError:
            if self._shared is None:
                raise
        try:
            return self._shared.fetch(blob)
        except SharedStoreError as error:
            raise MissingError(f"its bytes are not on this machine, and {error}") from error

    def delivered(self, blob: str) -> bytes:
        """Return an image with its provenance, as it was delivered, else as it was received; raises `MissingError`."""
        try:
            return self._file(blob)
        except MissingError:
            return self.read(blob)

    def _file(self, blob: str) -> bytes:
        output = self._files.get(blob)
        if output is None:
            raise MissingError("its bytes are not on this machine")
        try:
            data = self._outputs.read(output.path)
        except OSError as error:
            raise MissingError("neither its file nor its bytes in the store are on this machine") from error
        if digest(data) != output.file:
            raise MissingError("its file was modified, and the store has not kept it")
        return data

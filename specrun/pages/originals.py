"""The bytes of images that were received, wherever this machine has them."""

from collections.abc import Callable, Iterable
from pathlib import Path

from specrun.canonical import digest
from specrun.model.lock import LockRow
from specrun.pages.sheet import Sheet
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


def with_inputs(read: Callable[[str], bytes], sheet: Sheet, root: Path) -> Callable[[str], bytes]:
    """Return what reads the images of a sheet: those it is made from out of the project at `root`, others by `read`."""
    sources = {picture.blob: picture.caption for tile in sheet.tiles for picture in tile.inputs}

    def found(blob: str) -> bytes:
        data = _input(root, sources[blob]) if blob in sources else None
        return read(blob) if data is None or digest(data) != blob else data

    return found


def _input(root: Path, source: str) -> bytes | None:
    """Return a file of the project; a lock that names one outside it, or none at all, is not believed."""
    try:
        path = (root / source).resolve()
        return path.read_bytes() if path.is_relative_to(root.resolve()) and path.is_file() else None
    except (OSError, ValueError):
        return None

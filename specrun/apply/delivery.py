"""Images from the store to their paths: whole files, never over a stranger's."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec.structs import replace

from specrun.apply.place import Place
from specrun.atomic import write_if_changed
from specrun.canonical import digest
from specrun.media_type import media_type
from specrun.model.lock import LockedOutput, LockRow
from specrun.model.output_path import folded, truthful
from specrun.model.run import Run
from specrun.provenance.deliver import delivery
from specrun.provenance.embed import blob_of
from specrun.provenance.sidecar import beside, told
from specrun.store.blobs import Blobs


class DeliveryError(Exception):
    """An image that cannot stand where it should; the message says why, `hint` what to do."""

    def __init__(self, cause: str, hint: str) -> None:
        super().__init__(cause)
        self.hint = hint


class Delivery:
    """Writes images below one spec's outputs folder.

    A file that stands in the way is ours where the lock knows its path or the store holds its bytes; any other is a
    stranger's, and stays.
    """

    def __init__(self, place: Place, blobs: Blobs, rows: Mapping[str, LockRow]) -> None:
        self._folder = place.outputs
        self._blobs = blobs
        self._locked = {output.path for row in rows.values() for output in row.outputs}
        self._claimed: dict[str, str] = {}

    def check(self, run: Run) -> None:
        """Raise `DeliveryError` where a run's images could not be delivered; makes nothing."""
        for path in run.outputs:
            self._check_folder(path)
            self._check_stranger(path)

    def deliver(self, run: Run, row: LockRow, blobs: Iterable[tuple[int, str]]) -> tuple[LockedOutput, ...]:
        """Bring a run's images to their paths, by index; images beyond those asked for stay in the store.

        `row` holds the run's pins and says how their files are made.
        """
        return tuple(
            self._deliver(row, run.outputs[index - 1], index, blob) for index, blob in blobs if index <= run.images
        )

    def remove(self, outputs: Iterable[LockedOutput], standing: set[str]) -> tuple[str, ...]:
        """Remove superseded files, except at paths that are `standing` (folded); return those a person has edited."""
        edited = []
        for output in outputs:
            path = self._folder / output.path
            if folded(output.path) in standing or not path.is_file():
                continue
            if digest(path.read_bytes()) == output.file:
                path.unlink()
                self._remove_sidecar(beside(path))
                self._remove_empty(path.parent)
            else:
                edited.append(output.path)
        return tuple(edited)

    def _deliver(self, row: LockRow, planned: str, index: int, blob: str) -> LockedOutput:
        data = self._blobs.read(blob)
        path = truthful(planned, media_type(data) or "")
        owner = self._claimed.setdefault(folded(path), row.address)
        if owner != row.address:
            raise DeliveryError(f"{path} is also where {owner} goes", "give the two different names in `output`")
        self._check_folder(path)
        self._check_stranger(path)
        output = LockedOutput(index=index, path=path, blob=blob, file=blob)
        made = delivery(data, row, output)
        target = self._folder / path
        if made.sidecar is None:
            self._remove_sidecar(beside(target))
        else:
            self._check_sidecar(beside(target))
            write_if_changed(beside(target), made.sidecar)
        write_if_changed(target, made.file)
        return replace(output, file=digest(made.file))

    def _check_stranger(self, path: str) -> None:
        target = self._folder / path
        if path in self._locked or not (target.exists() or target.is_symlink()):
            return
        if target.is_file() and self._is_ours(target.read_bytes()):
            return
        raise DeliveryError(f"{target} is in the way, and specrun did not make it", "move it away")

    def _is_ours(self, data: bytes) -> bool:
        blob = blob_of(data)
        return self._blobs.has(digest(data)) or (blob is not None and self._blobs.has(blob))

    def _check_sidecar(self, sidecar: Path) -> None:
        if sidecar.exists() and not _is_sidecar(sidecar):
            raise DeliveryError(f"{sidecar} is in the way, and specrun did not make it", "move it away")

    def _remove_sidecar(self, sidecar: Path) -> None:
        if _is_sidecar(sidecar):
            sidecar.unlink()

    def _check_folder(self, path: str) -> None:
        """Refuse folders that are files, or that a symbolic link leads elsewhere."""
        folder = (self._folder / path).parent
        while not folder.exists():
            if folder.is_symlink():
                raise DeliveryError(f"{folder} is a link to nothing", "remove the link")
            folder = folder.parent
        if not folder.is_dir():
            raise DeliveryError(f"{folder} is a file, where a folder should be", "move it away")
        if folder != self._folder and folder.is_relative_to(self._folder):
            inside = folder.resolve().is_relative_to(self._folder.resolve())
            if not inside:
                raise DeliveryError(f"{folder} leads out of {self._folder}", "remove the symbolic link")

    def _remove_empty(self, folder: Path) -> None:
        while folder != self._folder and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent


def _is_sidecar(path: Path) -> bool:
    return path.is_file() and told(path.read_bytes()) is not None

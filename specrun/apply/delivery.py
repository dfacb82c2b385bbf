"""Images from the store to their paths: whole files, never over a stranger's."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from specrun.apply.group_writer import Draft
from specrun.apply.inputs import Inputs
from specrun.apply.place import Place
from specrun.apply.record import pinned
from specrun.apply.results import Done, Held, Obtained
from specrun.atomic import holds
from specrun.canonical import digest
from specrun.diagnostics import SpecrunError
from specrun.group_write import Write
from specrun.media_type import media_type
from specrun.model.lock import LockedOutput, LockRow
from specrun.model.output_path import folded, truthful
from specrun.model.plan import Plan
from specrun.model.run import Run
from specrun.provenance.deliver import delivery, stamped
from specrun.provenance.embed import as_delivered
from specrun.provenance.sidecar import beside, told
from specrun.store.blobs import Blobs
from specrun.store.obstacles import file_obstacle, folder_obstacle


class DeliveryError(Exception):
    """An image that cannot stand where it should; the message says why, `hint` what to do."""

    def __init__(self, cause: str, hint: str) -> None:
        super().__init__(cause)
        self.hint = hint


@dataclass(frozen=True, kw_only=True, slots=True)
class Consignment:
    """A run's images to be delivered, by index; `row` holds its pins and says how their files are made.

    `fresh` holds the bytes, by digest, of those that need not be read from the store.
    """

    run: Run
    row: LockRow
    blobs: tuple[tuple[int, str], ...]
    fresh: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def consigned(
    plan: Plan, inputs: Inputs, run: Run, found: Obtained | Held, *, origin: LockRow | None = None
) -> Consignment:
    """Return what is to be delivered of a run's images, with the pins that its files tell of."""
    row = stamped(pinned(run, inputs, found.request_digest, found.take), plan.provenance, plan.name, origin)
    fresh = found.fresh if isinstance(found, Obtained) else {}
    return Consignment(run=run, row=row, blobs=found.blobs, fresh=fresh)


def done(found: Obtained, consignment: Consignment, outputs: tuple[LockedOutput, ...]) -> Done:
    """Return what became of a run whose images are delivered."""
    return Done(
        request_digest=found.request_digest,
        take=found.take,
        outputs=outputs,
        how=found.how,
        stamp=consignment.row.provenance,
    )


class Delivery:
    """Writes images below one spec's outputs folder.

    A file that stands in the way is ours where the lock knows its path, the store holds its bytes, or it is just as
    specrun delivers images; any other is a stranger's, and stays.
    """

    def __init__(self, place: Place, blobs: Blobs, rows: Mapping[str, LockRow]) -> None:
        self._folder = place.outputs
        self._blobs = blobs
        self._locked = {output.path for row in rows.values() for output in row.outputs}
        self._claimed: dict[str, str] = {}
        self._sound: set[Path] = set()
        self._checked: set[Path] = set()

    def check(self, run: Run) -> None:
        """Raise `DeliveryError` where a run's images could not be delivered; makes nothing."""
        for path in run.outputs:
            target = self._folder / path
            if target.parent not in self._checked:
                self._check_folder(target.parent)
                self._checked.add(target.parent)
            self._stands(path, target)

    def drafts(self, consignments: Sequence[Consignment]) -> list[Draft[tuple[LockedOutput, ...]] | Exception]:
        """Return the files that bring the images of several runs to their paths, and each run's outputs.

        In the place of a run whose images cannot be delivered stands a `DeliveryError`, `OSError` or `SpecrunError`.
        Images beyond those asked for stay in the store.
        """
        return [self._draft(each) for each in consignments]

    def written(self, outputs: Sequence[tuple[LockedOutput, ...]]) -> None:
        """Nothing more to do."""

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

    def _draft(self, consignment: Consignment) -> Draft[tuple[LockedOutput, ...]] | Exception:
        run, packed = consignment.run, _Packed()
        try:
            for index, blob in consignment.blobs:
                if index <= run.images:
                    data = consignment.fresh.get(blob) or self._blobs.read(blob)
                    output = LockedOutput(index=index, path=run.outputs[index - 1], blob=blob, file=blob)
                    self._pack(packed, consignment.row, output, data)
        except (DeliveryError, OSError, SpecrunError) as error:
            return error
        return Draft(writes=packed.writes, result=packed.outputs)

    def _pack(self, packed: "_Packed", row: LockRow, planned: LockedOutput, data: bytes) -> None:
        path = truthful(planned.path, media_type(data) or "")
        owner = self._claimed.setdefault(folded(path), row.address)
        if owner != row.address:
            raise DeliveryError(f"{path} is also where {owner} goes", "give the two different names in `output`")
        target = self._folder / path
        self._check_folder(target.parent)
        stands = self._stands(path, target)
        if stands and path not in self._locked:
            self._keep(target.read_bytes())
        output = replace(planned, path=path)
        made = delivery(data, row, output)
        sidecar = beside(target)
        if made.sidecar is None:
            self._remove_sidecar(sidecar)
        else:
            self._check_sidecar(sidecar)
            packed.add(sidecar, made.sidecar)
        # What is new need not be looked at again.
        packed.add(target, made.file, new=not stands)
        packed.outputs += (replace(output, file=digest(made.file)),)

    def _stands(self, path: str, target: Path) -> bool:
        """Say whether something stands at a path; raise where it is a stranger's."""
        if not os.path.lexists(target):
            return False
        if path in self._locked:
            return True
        found = file_obstacle(target, str(target), self._blobs.has)
        if found is not None:
            raise DeliveryError(found.cause, found.hint)
        return True

    def _keep(self, data: bytes) -> None:
        """Bring an image that only stands here into the store, before another may take its place."""
        received = as_delivered(data)
        if received is not None and not self._blobs.has(digest(received)):
            self._blobs.put(received)

    def _check_sidecar(self, sidecar: Path) -> None:
        if sidecar.exists() and not _is_sidecar(sidecar):
            raise DeliveryError(f"{sidecar} is in the way, and specrun did not make it", "move it away")

    def _remove_sidecar(self, sidecar: Path) -> None:
        if _is_sidecar(sidecar):
            sidecar.unlink()

    def _check_folder(self, folder: Path) -> None:
        """Refuse folders that are files, or that a symbolic link leads elsewhere."""
        if folder in self._sound:
            return
        found = folder_obstacle(self._folder, folder, str(folder))
        if found is not None:
            raise DeliveryError(found.cause, found.hint)
        if folder.exists():
            self._sound.add(folder)

    def _remove_empty(self, folder: Path) -> None:
        while folder != self._folder and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent


@dataclass(slots=True)
class _Packed:
    """What is to be written for a run, and what its row will say of it."""

    writes: list[Write] = field(default_factory=list)
    outputs: tuple[LockedOutput, ...] = ()

    def add(self, path: Path, data: bytes, *, new: bool = False) -> None:
        """Write a file, unless it already holds this: its mtime tells the truth."""
        if new or not holds(path, data):
            self.writes.append(Write.beside(path, data))


def _is_sidecar(path: Path) -> bool:
    return path.is_file() and told(path.read_bytes()) is not None

"""Images from the store to their paths: whole files, never over a stranger's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from msgspec.structs import replace

from specrun.apply.group_writer import Draft
from specrun.apply.inputs import Inputs
from specrun.apply.place import Place
from specrun.apply.record import pinned
from specrun.apply.results import Done, Held, Obtained
from specrun.atomic import write_if_changed
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
from specrun.provenance.sidecar import SIDECAR, sidecar, told
from specrun.store.blobs import Blobs
from specrun.store.contained import Contained
from specrun.store.handiwork import Written, kept_path
from specrun.store.obstacles import file_obstacle, folder_obstacle, kind_obstacle


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Removed:
    """The paths whose files were removed, and those that were left in place, each with the reason."""

    removed: tuple[str, ...]
    left: tuple[tuple[str, str], ...]


class Delivery:
    """Writes images below one spec's outputs folder.

    A file that stands where the lock has one, and that a person has changed, is kept aside before anything takes its
    place. Any other is ours where the store holds its bytes, or where it is just as specrun delivers images; a
    stranger's stays: nothing is delivered over it.
    """

    def __init__(self, place: Place, blobs: Blobs, rows: Mapping[str, LockRow]) -> None:
        self._folder = place.outputs
        self._files = Contained(place.outputs)
        self._kept = place.kept
        self._blobs = blobs
        self._written = Written(rows.values(), blobs)
        self._locked = {output.path: (row, output) for row in rows.values() for output in row.outputs}
        self._claimed: dict[str, str] = {}
        self._sound: set[Path] = set()
        self._checked: set[Path] = set()
        self._aside: list[tuple[Path, Path]] = []

    @cached_property
    def _by_folded(self) -> Mapping[str, str]:
        return {folded(path): path for path in self._locked}

    @property
    def aside(self) -> Sequence[tuple[Path, Path]]:
        """The files that a person had changed and whose place was taken, and where each is kept now."""
        return self._aside

    def check(self, run: Run) -> None:
        """Raise `DeliveryError` where a run's images could not be delivered; makes nothing."""
        for path in run.outputs:
            target = self._folder / path
            if target.parent not in self._checked:
                self._check_folder(target.parent)
                self._checked.add(target.parent)
            if not self._is_locked(path):
                self._standing(path, target)
            else:
                _check_kind(target)

    def drafts(self, consignments: Sequence[Consignment]) -> list[Draft[tuple[LockedOutput, ...]] | Exception]:
        """Return the files that bring the images of several runs to their paths, and each run's outputs.

        In the place of a run whose images cannot be delivered stands a `DeliveryError`, `OSError` or `SpecrunError`.
        Images beyond those asked for stay in the store.
        """
        return [self._draft(each) for each in consignments]

    def written(self, outputs: Sequence[tuple[LockedOutput, ...]]) -> None:
        """Nothing more to do."""

    def remove(self, outputs: Iterable[LockedOutput], standing: Mapping[str, str]) -> Removed:
        """Remove superseded files, except where images are `standing`: paths by their folded forms.

        What a person has changed, and what a link leads to, stays.
        """
        removed, left = [], []
        for output in dict.fromkeys(outputs):
            now = standing.get(folded(output.path))
            if now == output.path or (now is not None and self._renamed(output.path, now)):
                continue
            try:
                if digest(self._files.read(output.path)) == output.file:
                    self._remove(output.path)
                    removed.append(output.path)
                else:
                    left.append((output.path, "it was changed by hand"))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                left.append((output.path, error.strerror or str(error)))
        return Removed(removed=tuple(removed), left=tuple(left))

    def _renamed(self, before: str, now: str) -> bool:
        """Say whether two paths that differ in case or normal form are one file here; it then has the name of `now`."""
        old, new = self._files.place(before), self._files.place(now)
        try:
            if not old.samefile(new) or not old.parent.samefile(new.parent):
                return False
        except FileNotFoundError:
            return False
        names = {path.name for path in new.parent.iterdir()}
        if old.name != new.name and {old.name, new.name} <= names:
            return False
        if new.name not in names:
            old.rename(new)
        return True

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
        there = self._standing(path, target)
        output = replace(planned, path=path)
        made = delivery(data, row, output)
        self._pack_sidecar(packed, path, made.sidecar)
        if there != made.file:
            if there is not None and there not in self._written:
                self._keep(path, there)
            packed.writes.append(Write.beside(target, made.file))
        packed.outputs += (replace(output, file=digest(made.file)),)

    def _pack_sidecar(self, packed: "_Packed", path: str, wanted: bytes | None) -> None:
        """See to it that what stands beside an image is what is `wanted` there, be it nothing."""
        name = path + SIDECAR
        target = self._folder / name
        if wanted is None:
            self._remove_sidecar(path)
            return
        there = self._beside(name, target)
        if there == wanted:
            return
        if there is not None and not self._is_own_sidecar(path, there):
            self._set_aside(name, there)
        packed.writes.append(Write.beside(target, wanted))

    def _standing(self, path: str, target: Path) -> bytes | None:
        """Return what stands at a path, None for nothing; raise where it is a stranger's."""
        _check_kind(target)
        try:
            data = self._files.read(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DeliveryError(f"{target}: {error.strerror}", "make it readable, or move it away") from error
        if data in self._written or self._is_locked(path):
            return data
        found = file_obstacle(target, str(target), self._blobs.has)
        if found is not None:
            raise DeliveryError(found.cause, found.hint)
        return data

    def _is_locked(self, path: str) -> bool:
        """Say whether the lock has a file at a path, or at one that is the same on this disk."""
        if path in self._locked:
            return True
        other = self._by_folded.get(folded(path))
        try:
            return other is not None and (self._folder / path).samefile(self._folder / other)
        except OSError:
            return False

    def _keep(self, path: str, data: bytes) -> None:
        """Keep what stands at a path, before an image takes its place: in the store where it is just as delivered."""
        received = as_delivered(data)
        if received is None:
            self._set_aside(path, data)
        elif not self._blobs.has(digest(received)):
            self._blobs.put(received)

    def _set_aside(self, path: str, data: bytes) -> None:
        """Keep a copy of a file that a person changed, durably, before anything is written in its place."""
        kept = kept_path(self._kept, path, data)
        write_if_changed(kept, data)
        self._aside.append((self._folder / path, kept))

    def _remove(self, path: str) -> None:
        self._remove_sidecar(path)
        self._files.remove(path)

    def _remove_sidecar(self, path: str) -> None:
        name = path + SIDECAR
        try:
            there = self._files.read(name)
        except OSError:
            return
        if told(there) is None:
            return
        if not self._is_own_sidecar(path, there):
            self._set_aside(name, there)
        self._files.place(name).unlink()

    def _beside(self, name: str, target: Path) -> bytes | None:
        _check_kind(target)
        try:
            there = self._files.read(name)
        except FileNotFoundError:
            return None
        known = self._locked.get(name.removesuffix(SIDECAR))
        if told(there) is None and (known is None or sidecar(*known) is None):
            raise DeliveryError(f"{target} is in the way, and specrun did not make it", "move it away")
        return there

    def _is_own_sidecar(self, path: str, data: bytes) -> bool:
        """Say whether the facts beside a file are as they were written."""
        known = self._locked.get(path)
        return known is None or sidecar(*known) == data

    def _check_folder(self, folder: Path) -> None:
        """Refuse folders that are files, or that a symbolic link leads elsewhere."""
        if folder in self._sound:
            return
        found = folder_obstacle(self._folder, folder, str(folder))
        if found is not None:
            raise DeliveryError(found.cause, found.hint)
        if folder.exists():
            self._sound.add(folder)


@dataclass(slots=True)
class _Packed:
    """What is to be written for a run, and what its row will say of it."""

    writes: list[Write] = field(default_factory=list)
    outputs: tuple[LockedOutput, ...] = ()


def _check_kind(target: Path) -> None:
    """Refuse what is no file."""
    found = kind_obstacle(target, str(target))
    if found is not None:
        raise DeliveryError(found.cause, found.hint)

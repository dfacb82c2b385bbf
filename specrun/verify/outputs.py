"""Files on disk against the lock: missing, modified, undecodable, of the wrong type, in nobody's name."""

import os
from collections.abc import Iterator
from pathlib import Path

from specrun.canonical import digest
from specrun.imaging import ImageError, decode_image
from specrun.media_type import media_type
from specrun.model.lock import Lock, LockedOutput, LockRow
from specrun.model.output_path import folded, truthful
from specrun.model.plan import Plan, Verb
from specrun.provenance.embed import blob_of, original
from specrun.provenance.sidecar import SIDECAR, beside, sidecar
from specrun.store.blobs import DamagedBlobError
from specrun.store.contained import LeadsOutError, kind_of, read_regular
from specrun.store.manifest import FILE_NAME
from specrun.verify.finding import Finding, Kind
from specrun.verify.likeness import compare, difference
from specrun.verify.target import Target

# What file managers and git put into folders, and nobody misses.
_HARMLESS = frozenset((".DS_Store", "Thumbs.db", "desktop.ini", ".gitkeep", ".gitignore"))

# Where an apply brings back what is locked, as far as its bytes are anywhere.
_RESTORED = frozenset((Verb.KEEP, Verb.CREATE, Verb.RESTORE, Verb.MOVE, Verb.LOST))


class OutputCheck:
    """Looks at every file of one spec; a file is decoded only where it is not, byte for byte, what was delivered."""

    def __init__(self, target: Target, lock: Lock, plan: Plan | None = None) -> None:
        """Check a lock; its `plan`, where there is one, tells what an apply does about each run."""
        self._target = target
        self._verbs = {} if plan is None else {action.address: action.verb for action in plan.actions}
        self._files = target.files
        self._rows = [lock.rows[address] for address in sorted(lock.rows)]
        self._owners = {output.file: row.address for row in self._rows for output in row.outputs}
        self._owners |= {output.blob: row.address for row in self._rows for output in row.outputs}

    def image(self, row: LockRow, output: LockedOutput) -> Iterator[Finding]:
        """Yield what is wrong with one image, and with the facts beside it."""
        path = self._target.outputs / output.path
        fix = self._fix(row, output)
        try:
            data = self._files.read(output.path)
        except (FileNotFoundError, NotADirectoryError):
            yield self._finding(Kind.MISSING, path, f"the image of {row.address} is gone", fix, row)
            return
        except LeadsOutError as error:
            detail = f"{error.strerror}, and is not followed"
            yield self._finding(Kind.MODIFIED, path, detail, f"remove the link, then {fix}", row)
            return
        except OSError as error:
            what = kind_of(path)
            detail = f"{what} stands in its place" if what else f"it cannot be read: {error.strerror}"
            yield self._finding(Kind.MODIFIED, path, detail, f"remove it, then {fix}", row)
            return
        kind, detail = self._judge(data, output)
        if kind is not None:
            yield self._finding(kind, path, detail, fix, row)
        yield from self._sidecar(row, output)

    def extra(self) -> Iterator[Finding]:
        """Yield the files that no row of the lock knows."""
        known = {self._target.outputs / FILE_NAME}
        for row in self._rows:
            for output in row.outputs:
                path = self._target.outputs / output.path
                known |= {path} if sidecar(row, output) is None else {path, beside(path)}
        # Where a disk tells case or normal forms not apart, a file may be listed under another form of its name.
        forms = {folded(str(path)): path for path in known}
        for path in _files(self._target.outputs):
            if path in known or path.name in _HARMLESS or _same(path, forms.get(folded(str(path)))):
                continue
            detail = self._stranger(path)
            yield self._finding(Kind.EXTRA, path, detail, "delete it, or move it out of the folder")

    def _judge(self, data: bytes, output: LockedOutput) -> tuple[Kind | None, str]:
        """Return what is wrong with a file's bytes, None where nothing is."""
        whole = digest(data) == output.file
        if not whole:
            try:
                decode_image(data)
            except ImageError as error:
                return Kind.UNDECODABLE, f"it {error}"
        found = media_type(data)
        if truthful(output.path, found or "") != output.path:
            return Kind.WRONG_TYPE, f"it holds {found}, which its name does not say"
        return (None, "") if whole else (Kind.MODIFIED, self._changed(data, output))

    def _changed(self, data: bytes, output: LockedOutput) -> str:
        owner = self._owners.get(digest(data))
        if digest(data) == output.blob:
            return "its provenance was taken out; the image is as received"
        if owner is not None:
            return f"it holds the image of {owner}"
        if original(data, output.blob) is not None:
            return "its provenance was changed; the image is as received"
        try:
            return difference(compare(self._target.blobs.read(output.blob), data))
        except (FileNotFoundError, DamagedBlobError, ImageError):
            return "it is not what was delivered"

    def _sidecar(self, row: LockRow, output: LockedOutput) -> Iterator[Finding]:
        expected = sidecar(row, output)
        path = beside(self._target.outputs / output.path)
        if expected is None:
            return
        restored = self._verbs.get(row.address, Verb.RESTORE) in _RESTORED
        fix = f"{self._target.command('apply')} writes it again" if restored else self._fix(row, output)
        try:
            found = self._files.read(output.path + SIDECAR)
        except OSError:
            yield self._finding(Kind.MISSING, path, "the facts beside the image are gone", fix, row)
            return
        if found != expected:
            yield self._finding(Kind.MODIFIED, path, "the facts beside the image were changed", fix, row)

    def _stranger(self, path: Path) -> str:
        if path.name.startswith(".") and path.suffix == ".tmp":
            return "left by a program that was killed while it wrote"
        if kind := kind_of(path):
            return f"{kind} that no run of the spec made"
        data = read_regular(path)
        owner = self._owners.get(digest(data)) or self._owners.get(blob_of(data) or "")
        return f"a copy of the image of {owner}" if owner else "no run of the spec made it"

    def _fix(self, row: LockRow, output: LockedOutput) -> str:
        verb = self._verbs.get(row.address, Verb.RESTORE)
        if verb is Verb.ORPHAN:
            return f"{self._target.command('prune')} lets go of it, since the spec no longer has {row.address}"
        if verb not in _RESTORED:
            return f"{self._target.command('plan')} says what becomes of {row.address}"
        if self._target.shared or self._target.blobs.has(output.blob):
            return f"{self._target.command('apply')} restores it"
        again = self._target.command("apply --regenerate-lost")
        return f"bring it back from git or a backup; or {again} asks for it again, and pays"

    def _finding(self, kind: Kind, path: Path, detail: str, fix: str, row: LockRow | None = None) -> Finding:
        address = "" if row is None else row.address
        return Finding(kind=kind, subject=self._target.shown(path), detail=detail, fix=fix, address=address)


def _same(path: Path, known: Path | None) -> bool:
    """Say whether two names are one file; of two links to one file each is a file of its own."""
    try:
        return known is not None and path.lstat().st_nlink == 1 and path.samefile(known)
    except OSError:
        return False


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in sorted([*names, *links]):
            yield Path(parent) / name

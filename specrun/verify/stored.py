"""The local store against its digests, and the lock's images against the store."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from specrun.canonical import digest
from specrun.model.lock import Lock, LockedOutput
from specrun.provenance.embed import original
from specrun.store.contained import read_regular
from specrun.verify.finding import Finding, Kind
from specrun.verify.target import Target

_NAME = re.compile(r"[0-9a-f]{62}")
_FOLDER = re.compile(r"[0-9a-f]{2}")
_INCOMING = "incoming"


def check_store(target: Target, lock: Lock) -> Iterator[Finding]:
    """Yield stored files that are not what their names say, and images of the lock that the store lacks."""
    repair = f"{target.command('verify --store --repair')} takes it from the delivered file or the shared store"
    for path in stored_files(target.store):
        blob = _blob(path)
        if blob is None:
            detail, fix = "it has no digest for a name", "delete it, or move it out of the folder"
            yield Finding(kind=Kind.STORE, subject=target.shown(path), detail=detail, fix=fix)
        elif digest(read_regular(path)) != blob:
            detail, fix = "it does not hold what its name says", f"{repair}; else delete it"
            yield Finding(kind=Kind.STORE, subject=target.shown(path), detail=detail, fix=fix)
    for row in lock.rows.values():
        for output in row.outputs:
            if not target.blobs.has(output.blob):
                detail = f"the store lacks image {output.index} of {row.address}"
                subject = target.shown(target.blobs.path(output.blob))
                yield Finding(kind=Kind.STORE, subject=subject, detail=detail, fix=repair, address=row.address)


def repair(target: Target, lock: Lock, fetch: Callable[[str], bytes | None]) -> tuple[str, ...]:
    """Put whole images back into the store: from the files they were delivered to, else as `fetch` has them.

    Returns their digests; `fetch` gives the bytes behind a digest from elsewhere, None where it has none.
    """
    repaired = []
    for row in lock.rows.values():
        for output in row.outputs:
            if output.blob not in repaired and not _whole(target.blobs.path(output.blob), output.blob):
                received = _delivered(target, output) or fetch(output.blob)
                if received is not None:
                    target.blobs.put(received)
                    repaired.append(output.blob)
    return tuple(repaired)


def stored_files(store: Path) -> Iterator[Path]:
    """Iterate over the files of a store, what is being written aside."""
    if store.is_dir():
        for path in sorted(store.rglob("*")):
            if path.is_file() and path.relative_to(store).parts[0] != _INCOMING:
                yield path


def _blob(path: Path) -> str | None:
    folder = path.parent.name
    return f"sha256:{folder}{path.name}" if _FOLDER.fullmatch(folder) and _NAME.fullmatch(path.name) else None


def _whole(path: Path, blob: str) -> bool:
    return path.is_file() and digest(read_regular(path)) == blob


def _delivered(target: Target, output: LockedOutput) -> bytes | None:
    try:
        data = target.files.read(output.path)
    except OSError:
        return None
    return original(data, output.blob)

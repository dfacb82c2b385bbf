"""The lock as a file in git: one run a line, sorted by address, the same bytes for the same pins."""

import contextlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from specrun.atomic import write_atomic, write_text_if_changed
from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.model.lock import Lock, LockRow
from specrun.store.conflict import conflict_sides, marked
from specrun.store.document import FORMAT_VERSION, collector_paused, content_of, decode, document, document_pieces
from specrun.store.named import Named
from specrun.store.owner import belongs

_ROW = msgspec.json.Encoder(order="deterministic")


class _LockDocument(msgspec.Struct, kw_only=True, gc=False):
    format_version: str
    spec: str
    name: str
    files: dict[str, str]
    vars: dict[str, str]
    runs: list[LockRow]


_DOCUMENT = msgspec.json.Decoder(_LockDocument)

_REMEDY = "`specrun lock SPEC` merges them by address, losing no output of either side"


def lock_path(spec: Path, variant: str | None = None) -> Path:
    """Return where a spec's lock stands: beside it, named by its stem or by the variant."""
    return spec.with_name(f"{variant or spec.stem}.lock.json")


def read_lock(path: Path, *, remedy: str = _REMEDY) -> Lock | None:
    """Return the lock at `path`, None where there is none; raise `InvalidInputError` for one that cannot be used.

    `remedy` says what to do where git has left both sides in it.
    """
    data = content_of(path, "lock")
    if data is None:
        return None
    try:
        return parse_lock(data, path)
    except InvalidInputError:
        # Looked for only now, since it takes a while in a lock of 100,000 runs, and with markers it is not JSON.
        if not marked(data):
            raise
    raise InvalidInputError(
        Diagnostic(
            summary="lock with conflict markers",
            detail=f"{path} holds both sides of a git merge",
            hint=remedy,
        )
    )


def read_sides(path: Path) -> tuple[Lock, ...]:
    """Return the locks that a file holds: one, both sides of a git merge, or none that can be read."""
    with contextlib.suppress(InvalidInputError):
        data = content_of(path, "lock")
        sides = () if data is None else conflict_sides(data) if marked(data) else (data,)
        return tuple(parse_lock(side, path) for side in sides)
    return ()


def parse_lock(data: bytes, path: Path) -> Lock:
    """Return the lock that `data` holds; `path` is what errors call it."""
    with collector_paused():
        found = decode(_DOCUMENT, data, path, "lock", _named)
        rows = {row.address: row for row in found.runs}
    if len(rows) != len(found.runs):
        raise InvalidInputError(*_twice(found.runs, path))
    return Lock(spec=found.spec, name=found.name, files=found.files, vars=found.vars, rows=rows)


def lock_bytes(lock: Lock) -> bytes:
    """Return a lock as it stands in its file."""
    return document(*_head(lock), "runs", (_row(lock.rows[address]) for address in sorted(lock.rows)))


def write_lock(path: Path, lock: Lock) -> bool:
    """Write the lock unless the file already says the same; say whether it wrote."""
    return write_text_if_changed(path, lock_bytes(lock))


class LockWriter:
    """Writes one lock again and again while its rows change; the lines of those that have not are kept."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: dict[str, tuple[LockRow, bytes]] = {}

    def write(self, lock: Lock) -> os.stat_result:
        """Write the lock, and return what its file was like before it got its name."""
        return write_atomic(self._path, document_pieces(*_head(lock), "runs", self._rows(lock)))

    def _rows(self, lock: Lock) -> Iterator[bytes]:
        before, self._lines = self._lines, {}
        for address in sorted(lock.rows):
            row = lock.rows[address]
            known = before.get(address)
            if known is None or known[0] is not row:
                known = (row, _row(row))
            self._lines[address] = known
            yield known[1]


def check_owner(lock: Lock, path: Path, *, spec: str, root: Path | None = None) -> None:
    """Refuse a lock that belongs to another spec.

    It does not where it was renamed or moved with its spec: nothing is at the project's `root` under the spec's name
    of before, and the lock is not called after that either.
    """
    moved = root is not None and path.resolve() != lock_path(root / lock.spec).resolve()
    if not belongs(lock.spec, spec, root if moved else None):
        raise InvalidInputError(
            Diagnostic(
                summary="lock of another spec",
                detail=f"{path} belongs to {lock.spec}, not to {spec}",
                hint=f"if {path.name} is a copy, move it away; else give {spec} a file name, or --name, of its own",
            )
        )


def _head(lock: Lock) -> tuple[Mapping[str, str], Mapping[str, Mapping[str, str]]]:
    head = {"format_version": FORMAT_VERSION, "spec": lock.spec, "name": lock.name}
    return head, {"files": lock.files, "vars": lock.vars}


def _named(document: _LockDocument) -> Named:
    outputs = [output for row in document.runs for output in row.outputs]
    return Named(
        spec=document.spec,
        name=document.name,
        paths=[output.path for output in outputs],
        # These name files of the store; those of files are compared, and no more.
        digests=[output.blob for output in outputs],
    )


def _row(row: LockRow) -> bytes:
    # The last fields stand there only where they say something.
    line, tail = _ROW.encode(row).removesuffix(b"}"), b"}"
    for name, value in (("accepted", row.accepted), ("state", row.state), ("provenance", row.provenance)):
        field = f',"{name}":'.encode() + _ROW.encode(value)
        line = line.removesuffix(field)
        if value:
            tail = field.replace(b',"moved":{}}', b"}") + tail
    return line + tail


def _twice(rows: Iterable[LockRow], path: Path) -> list[Diagnostic]:
    counts = Counter(row.address for row in rows)
    return [
        Diagnostic(
            summary="address locked twice",
            detail=f"{path} has {count} rows for {address}",
            hint="delete the rows that are not wanted",
        )
        for address, count in counts.items()
        if count > 1
    ]

"""The ledger's tables, and opening the database that holds them."""

import contextlib
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from specrun.atomic import make_folder
from specrun.diagnostics import Diagnostic, SpecrunError

_VERSION = 1
_BUSY_TIMEOUT = 60.0  # seconds
# Seconds for which another process may be making the ledger, or taking its log away as the last that had it open.
_MOMENT = 2.0
_PASSING = frozenset((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN))

T = TypeVar("T")

# One row an attempt; outputs are listed as soon as they arrive, and count once the attempt is received or partial;
# links are what a reply gave instead of images, kept until these are here.
_TABLES = """
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    hold TEXT NOT NULL,
    spec TEXT NOT NULL,
    address TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    take INTEGER NOT NULL,
    images INTEGER NOT NULL,
    price TEXT,
    currency TEXT,
    state TEXT NOT NULL,
    cause TEXT NOT NULL DEFAULT '',
    status INTEGER,
    request_id TEXT NOT NULL DEFAULT '',
    intended_at REAL NOT NULL,
    sent_at REAL,
    ended_at REAL
) STRICT;
CREATE INDEX attempts_by_request ON attempts (request_digest, take);
CREATE INDEX attempts_by_address ON attempts (address);
CREATE INDEX attempts_open ON attempts (hold) WHERE ended_at IS NULL;
CREATE TABLE outputs (
    attempt INTEGER NOT NULL REFERENCES attempts (id),
    image INTEGER NOT NULL,
    blob TEXT NOT NULL,
    media_type TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (attempt, image)
) STRICT, WITHOUT ROWID;
CREATE INDEX outputs_by_blob ON outputs (blob);
CREATE TABLE links (
    attempt INTEGER NOT NULL REFERENCES attempts (id),
    image INTEGER NOT NULL,
    url TEXT NOT NULL,
    PRIMARY KEY (attempt, image)
) STRICT, WITHOUT ROWID;
"""


class LedgerError(SpecrunError):
    """The ledger cannot be read or written."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the ledger, made where there is none; every commit is durable when it returns."""
    make_folder(path.parent)
    with explained(path):
        return _patiently(lambda: _writer(path))


@contextlib.contextmanager
def open_for_reading(path: Path) -> Iterator[sqlite3.Connection | None]:
    """Open the ledger so that nothing on disk changes; yield None where there is none."""
    if not path.exists():
        yield None
        return
    with contextlib.ExitStack() as stack, explained(path):
        connection = _patiently(lambda: _connected(path, stack))
        _check_version(connection, path)
        made = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'attempts'").fetchone()[0]
        # Another process may be making the ledger at this moment; until it has, there is none.
        yield connection if made else None


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into one that says which file, why, and what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise LedgerError(_diagnostic(path, error)) from error


def _patiently(step: Callable[[], T]) -> T:
    """Try again what fails only because of what another process does at this moment: SQLite itself does not wait."""
    until = time.monotonic() + _MOMENT
    while True:
        try:
            return step()
        except (sqlite3.OperationalError, FileNotFoundError) as error:
            passing = not isinstance(error, sqlite3.Error) or error.sqlite_errorcode & 0xFF in _PASSING
            if not passing or time.monotonic() > until:
                raise
        time.sleep(0.01)


def _writer(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
    try:
        torn = path.with_name(path.name + "-wal").exists()
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        _make_tables(connection, path)
        if torn:
            _check_whole(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _connected(path: Path, stack: contextlib.ExitStack) -> sqlite3.Connection:
    """Return a connection that has read once, closed with the stack."""
    log, index = path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")
    # Without a write-ahead log the file is all there is, and reading it as immutable makes no files beside it.
    if not log.exists():
        return _reader(f"{path.absolute().as_uri()}?immutable=1", stack)
    # With one, its shared index must not be written: SQLite then keeps an index of its own in memory.
    if index.exists():
        try:
            return _reader(f"{path.absolute().as_uri()}?mode=ro&readonly_shm=1", stack)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_PROTOCOL:
                raise
    # Where there is no index (a copied folder), or a kill left one that only a writer may mend, a copy is read.
    copy = Path(stack.enter_context(tempfile.TemporaryDirectory())) / path.name
    shutil.copyfile(path, copy)
    shutil.copyfile(log, copy.with_name(log.name))
    return _reader(f"{copy.as_uri()}?mode=ro", stack)


def _reader(uri: str, stack: contextlib.ExitStack) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT)
    stack.callback(connection.close)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA user_version").fetchone()
    return connection


def _make_tables(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
        for statement in _TABLES.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    connection.execute("COMMIT")
    _check_version(connection, path)


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise LedgerError(
            Diagnostic(
                summary="ledger of a newer specrun",
                detail=f"{path} has version {version}; this specrun knows {_VERSION}",
                hint="upgrade specrun",
            )
        )


def _check_whole(connection: sqlite3.Connection, path: Path) -> None:
    # A log that outlived its process is the one occasion on which a page may be torn.
    found = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found[0] != "ok":
        raise LedgerError(_diagnostic(path, found[0]))


def _diagnostic(path: Path, reason: object) -> Diagnostic:
    return Diagnostic(
        summary="the ledger cannot be used",
        detail=f"{path}: {reason}",
        hint=(
            "if its disk is full or busy, free it and try again; if the file is damaged, move it aside: images, store "
            "and lock are whole without it, but requests that were under way may have been billed unseen"
        ),
    )

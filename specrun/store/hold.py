"""One apply at a time for each spec: a lock that dies with its process and says who holds it."""

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout
from msgspec.structs import asdict

from specrun.atomic import make_folder, write_atomic
from specrun.diagnostics import BusyError, Diagnostic, SpecrunError
from specrun.store.hold_name import hold_name, holder_path

# Another apply that looks whether a hold is taken has it for an instant; outlast that.
_PATIENCE = 0.5
_POLL = 0.02


class LockingError(SpecrunError):
    """The file system does not lock files, so nothing would stop two applies from paying twice."""


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A process that applies a spec; `since` is UTC, ISO 8601."""

    pid: int
    host: str
    since: str

    def __str__(self) -> str:
        """As a person would say it."""
        return f"process {self.pid} on {self.host}, since {self.since}"


@contextlib.contextmanager
def hold(folder: Path, spec: str, name: str) -> Iterator[bool]:
    """Hold a spec for this process, and yield whether the last holder ended before its work did.

    Raises `BusyError` where another process has it, `LockingError` where files cannot be locked.
    """
    called = hold_name(spec, name)
    make_folder(folder)
    lock = _lock(folder, called)
    try:
        lock.acquire(timeout=_PATIENCE, poll_interval=_POLL)
    except Timeout:
        raise BusyError(_busy(folder, called, spec)) from None
    except OSError as error:
        raise LockingError(_unlockable(folder, error)) from error
    unfinished = holder_path(folder, called).exists()
    try:
        write_atomic(holder_path(folder, called), json.dumps(asdict(_myself())).encode())
        yield unfinished
        # Only here: whoever leaves by an error may leave something to recover too.
        holder_path(folder, called).unlink(missing_ok=True)
    finally:
        lock.release()


def held(folder: Path, called: str) -> bool:
    """Say whether a living process has the hold of this name."""
    if not (folder / f"{called}.lock").exists():
        return False
    lock = _lock(folder, called)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    lock.release()
    return False


def unfinished(folder: Path) -> bool:
    """Say whether any apply of the project is under way, or ended before its work did."""
    return any(folder.glob("*.holder.json"))


def holder(folder: Path, called: str) -> Holder | None:
    """Return who says to have the hold; None where nobody wrote it down yet."""
    try:
        return Holder(**json.loads(holder_path(folder, called).read_bytes()))
    except (FileNotFoundError, ValueError, TypeError, RecursionError):
        return None


def _lock(folder: Path, called: str) -> FileLock:
    # Not thread-local: the hold belongs to the process. A lock that falls back to a mere marker file would outlive it.
    return FileLock(folder / f"{called}.lock", thread_local=False, fallback_to_soft=False)


def _myself() -> Holder:
    return Holder(pid=os.getpid(), host=socket.gethostname(), since=datetime.now(UTC).isoformat(timespec="seconds"))


def _busy(folder: Path, called: str, spec: str) -> Diagnostic:
    who = holder(folder, called)
    if who is None:
        # It has the lock and is about to say so.
        time.sleep(_POLL)
        who = holder(folder, called)
    return Diagnostic(
        summary="another apply holds this spec",
        detail=f"{spec} is being applied by {who or 'another process'}",
        hint="wait for it to end; what it makes is then kept, not made again",
    )


def _unlockable(folder: Path, error: OSError) -> Diagnostic:
    return Diagnostic(
        summary="files cannot be locked here",
        detail=f"{folder}: {error.strerror or error}; without a lock two applies could pay for one image",
        hint="keep the project on a local disk, or on a file system with working locks",
    )

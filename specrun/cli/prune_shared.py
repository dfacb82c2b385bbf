"""`specrun prune --shared`: images of the shared store that none of the locks named counts, removed after asking."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from specrun.apply.prune import named
from specrun.apply.prune_shared import broken_off, remove_shared, uncounted
from specrun.cli.boundary import DONE, FAILED
from specrun.cli.console import complain, note, say
from specrun.cli.wiring import writable_store
from specrun.diagnostics import BusyError, Diagnostic, InvalidInputError
from specrun.model.lock import Lock
from specrun.model.project import Project
from specrun.report.inert import line as inert
from specrun.report.words import count
from specrun.store.hold import unfinished
from specrun.store.lockfile import parse_lock, read_lock
from specrun.store.revision import find_revision
from specrun.store.shared import StoredImage
from specrun.store.shared_record import SharedRecord
from specrun.store.tries import SharedStoreError
from specrun.verify.locks import LOCK_OR_PART, lock_paths

# Long enough for a branch to be pushed, and its lock to be named.
SPARED = timedelta(days=7)


def prune_shared(project: Project, locks: Sequence[str], older: timedelta, agreed: Callable[[str], bool]) -> int:
    """Remove what none of the locks names and is older than this; return the exit code."""
    if unfinished(project.state / "holds"):
        detail = "an apply is under way, or ended before its work did: some images are in no lock yet"
        raise BusyError(Diagnostic(summary="store in use", detail=detail, hint="apply again first"))
    store = writable_store(project)
    counted = {blob for lock in locks for blob in named(_counting(lock, project).rows.values())}
    try:
        found = list(uncounted(store, counted, older))
        if not found and not broken_off(store):
            say(inert(f"{store.url}: every image is named by a lock, or was put there lately"))
            return DONE
        _check_left_out(project, found)
        if found:
            note(inert(f"{store.url}: {_summary(found, len(locks))}"))
            if not agreed("Remove what no lock counts?"):
                note("Nothing was removed.")
                return DONE
        removed = remove_shared(store, SharedRecord(project.state, store.url), found, counted, older)
    except SharedStoreError as error:
        complain(Diagnostic(summary="nothing removed", detail=str(error), hint=error.hint))
        return FAILED
    say(inert(f"{store.url}: {count(removed.images, 'image')} removed"))
    if removed.fault is None and not removed.left:
        return DONE
    why = f": {removed.fault}" if removed.fault is not None else ""
    detail = f"{count(removed.left, 'image')} of {store.url} should have gone and did not{why}"
    hint = "run the same command again: it goes on from here"
    complain(Diagnostic(summary="removal not finished", detail=detail, hint=hint))
    return FAILED


def _counting(name: str, project: Project) -> Lock:
    """Return a lock that counts: a file's, or that of a git revision."""
    path = Path(name)
    if path.exists() or ":" not in name:
        lock = read_lock(path)
        if lock is not None:
            return lock
    else:
        revision, _, inside = name.partition(":")
        found = find_revision(revision, project.root)
        data = found.read_named(inside)
        if data is not None:
            return parse_lock(data, path)
    detail = f"{name} is not there; what it counts would seem to be counted by none"
    hint = "name a file, or a lock in git from the repository's root: main:specs/shots.lock.json"
    raise InvalidInputError(Diagnostic(summary="no such lock", detail=detail, hint=hint))


def _check_left_out(project: Project, found: Iterable[StoredImage]) -> None:
    """Refuse to remove what a lock in this checkout names: it was forgotten, or should not be there."""
    blobs = {image.blob for image in found}
    faults = []
    for path in lock_paths(project.root, project.outputs, LOCK_OR_PART):
        # Strictly: a lock that cannot be read might name any of them.
        lock = read_lock(path)
        lost = blobs & named(lock.rows.values()) if lock is not None else set()
        if lost:
            detail = f"{path} is none of the locks that count, and {count(len(lost), 'image')} that it names would go"
            hint = f"add --lock {path}; or delete it where it counts no more"
            faults.append(Diagnostic(summary="lock left out", detail=detail, hint=hint))
    if faults:
        raise InvalidInputError(*faults)


def _summary(found: Collection[StoredImage], locks: int) -> str:
    size = sum(image.size for image in found) / 1_000_000
    dates = sorted(image.since for image in found if image.since is not None)
    span = f"put there from {dates[0]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d}"
    return f"{count(len(found), 'image')} ({size:,.1f} MB), {span}, in none of {count(locks, 'lock')} named"

"""What `push` and `pull` have in common: the locks of the specs named, and the store that they are exchanged with."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from specrun.apply.exchange import Exchanged
from specrun.cli.boundary import DONE, FAILED
from specrun.cli.console import complain, say
from specrun.cli.targets import target_of
from specrun.cli.wiring import known_store, writable_store
from specrun.diagnostics import Diagnostic, InvalidInputError, SpecrunError
from specrun.model.lock import Lock
from specrun.report.inert import line as inert
from specrun.report.words import count
from specrun.spec.project import load_project
from specrun.store.lockfile import check_owner, read_lock
from specrun.store.shared import SharedStore
from specrun.store.shared_record import SharedRecord
from specrun.verify.target import Target

# How many faults of one spec are told one by one.
_TOLD = 20


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """A spec's lock and places, and the store that its project shares."""

    target: Target
    lock: Lock
    store: SharedStore
    record: SharedRecord

    @property
    def blobs(self) -> list[str]:
        """The images of the lock."""
        return [output.blob for row in self.lock.rows.values() for output in row.outputs]


def exchange(
    specs: Sequence[Path], name: str | None, work: Callable[[Shared], Exchanged], done: str, *, writes: bool
) -> int:
    """Do `work` for each spec and say how it went, `done` being the word for it; return the worst exit code."""
    code = DONE
    for spec in specs:
        try:
            shared = _shared(spec, name, writes=writes)
            found = work(shared)
        except SpecrunError as error:
            complain(*error.diagnostics)
            code = max(code, error.exit_code)
            continue
        complain(*found.faults[:_TOLD])
        failed = f", {len(found.faults):,} not {done}" if found.faults else ""
        say(inert(f"{spec.as_posix()}: {count(found.moved, 'image')} {done}, {found.there:,} there already{failed}"))
        code = max(code, FAILED if found.faults else DONE)
    return code


def _shared(spec: Path, name: str | None, *, writes: bool) -> Shared:
    project = load_project(spec.parent)
    target = target_of(spec, project, name, None)
    lock = read_lock(target.lock)
    store = writable_store(project) if writes else known_store(project)
    if lock is None:
        hint = "apply the spec, or bring its lock from git"
        raise InvalidInputError(Diagnostic(summary="no lock", detail=f"{target.lock} is not there", hint=hint))
    check_owner(lock, target.lock, spec=target.spec, root=target.root)
    return Shared(target=target, lock=lock, store=store, record=SharedRecord(project.state, store.url))

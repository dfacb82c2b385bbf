"""One spec's whole check: lock, manifest, files, spec, store."""

from collections.abc import Callable, Iterator

from specrun.diagnostics import InvalidInputError
from specrun.model.lock import Lock
from specrun.model.plan import Plan
from specrun.store.lockfile import read_lock
from specrun.store.parts import parts_of
from specrun.verify.finding import Checked, Finding, Kind, Verification
from specrun.verify.outputs import OutputCheck
from specrun.verify.records import check_lock, check_manifest
from specrun.verify.stored import check_store, repair, stored_files
from specrun.verify.target import Target
from specrun.verify.wanted import check_wanted


def verify(
    target: Target, plan: Plan | None, *, store: bool = False, mend: Callable[[str], bytes | None] | None = None
) -> Verification:
    """Check all that a spec left on disk; `plan` tells what the spec wants now, None where it cannot be planned.

    With `store` every stored file is read. Writes nothing, except that with `mend` whole images are put back into the
    store, from the outputs folder or as `mend` has them from elsewhere.
    """
    nothing = Lock(spec=target.spec, name=target.name)
    parts = parts_of(target.lock)
    if parts:
        # Until they are merged no lock speaks for all that stands on disk.
        return _verification(target, nothing, [_parts(target, len(parts))])
    try:
        lock = read_lock(target.lock)
    except InvalidInputError as error:
        return _verification(target, nothing, [_unreadable(target, error)])
    if lock is None:
        return _verification(target, nothing, [_no_lock(target)])
    repaired = () if mend is None else repair(target, lock, mend)
    findings = [*check_lock(target, lock), *check_manifest(target, lock)]
    check = OutputCheck(target, lock, plan)
    files = [finding for row in lock.rows.values() for output in row.outputs for finding in check.image(row, output)]
    findings += [*files, *check.extra()]
    if plan is not None:
        findings += check_wanted(target, plan, {finding.address for finding in files})
    if store:
        findings += check_store(target, lock)
    return _verification(target, lock, findings, repaired=repaired, store=store)


def _verification(
    target: Target, lock: Lock, findings: list[Finding], *, repaired: tuple[str, ...] = (), store: bool = False
) -> Verification:
    outputs = [(row.address, output) for row in lock.rows.values() for output in row.outputs]
    damaged = {finding.subject for finding in findings}
    return Verification(
        spec=target.spec,
        name=target.name,
        checked=Checked(
            images=len(outputs),
            bytes=sum(_sizes(target, lock)),
            blobs=sum(1 for _ in stored_files(target.store)) if store else 0,
        ),
        findings=tuple(findings),
        passed=tuple(
            (address, output.path)
            for address, output in outputs
            if target.shown(target.outputs / output.path) not in damaged
        ),
        repaired=repaired,
    )


def _sizes(target: Target, lock: Lock) -> Iterator[int]:
    files = target.files
    for row in lock.rows.values():
        for output in row.outputs:
            if files.holds(output.path):
                yield files.place(output.path).lstat().st_size


def _unreadable(target: Target, error: InvalidInputError) -> Finding:
    first = error.diagnostics[0]
    detail = f"{first.summary}: {first.detail}"
    return Finding(kind=Kind.LOCK, subject=target.shown(target.lock), detail=detail, fix=first.hint)


def _parts(target: Target, number: int) -> Finding:
    detail = f"shards have left parts of it ({number}) that nobody has merged yet"
    fix = f"{target.command('merge')} joins them"
    return Finding(kind=Kind.STALE, subject=target.shown(target.lock), detail=detail, fix=fix)


def _no_lock(target: Target) -> Finding:
    fix = f"bring it back from git; or {target.command('apply')} writes it, from ledger and store as far as it can"
    return Finding(kind=Kind.LOCK, subject=target.shown(target.lock), detail="there is no lock", fix=fix)

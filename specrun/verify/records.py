"""Lock and manifest: true to themselves, and to each other."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from specrun.canonical import NotCanonicalError, canonical_digest
from specrun.diagnostics import InvalidInputError
from specrun.model.lock import Lock, LockedOutput, LockRow, State
from specrun.model.output_path import folded
from specrun.model.recipe import locked_recipe
from specrun.store.lockfile import check_owner
from specrun.store.manifest import FILE_NAME, ManifestOutput, read_manifest
from specrun.verify.finding import Finding, Kind
from specrun.verify.target import Target


def check_lock(target: Target, lock: Lock) -> Iterator[Finding]:
    """Yield what was changed in the lock by hand: rows whose key does not follow from them, paths claimed twice."""
    fix = "bring the lock back from git"
    shown = target.shown(target.lock)
    yield from _ownership(target, lock, shown)
    owners: dict[str, list[str]] = defaultdict(list)
    for row in lock.rows.values():
        if row.key is not None and _key(row) != row.key:
            detail = f"the key of {row.address} does not follow from its row"
            yield Finding(kind=Kind.LOCK, subject=shown, detail=detail, fix=fix, address=row.address)
        if row.seed != row.params.get("seed"):
            detail = f"{row.address} has one seed in its row and another among its parameters"
            yield Finding(kind=Kind.LOCK, subject=shown, detail=detail, fix=fix, address=row.address)
        for output in row.outputs:
            owners[folded(output.path)].append(row.address)
    for path, addresses in owners.items():
        if len(addresses) > 1:
            detail = f"{path} is claimed by {' and by '.join(addresses)}"
            yield Finding(kind=Kind.LOCK, subject=shown, detail=detail, fix=fix, address=addresses[0])


def _ownership(target: Target, lock: Lock, shown: str) -> Iterator[Finding]:
    if lock.spec == target.spec:
        return
    try:
        check_owner(lock, target.lock, spec=target.spec, root=target.root)
    except InvalidInputError as error:
        detail = f"it belongs to {lock.spec}, not to {target.spec}"
        yield Finding(kind=Kind.LOCK, subject=shown, detail=detail, fix=error.diagnostics[0].hint)
        return
    detail = f"it was written for {lock.spec}, which {target.spec} was called before"
    yield Finding(kind=Kind.STALE, subject=shown, detail=detail, fix=f"{target.command('apply')} writes it anew")


def check_manifest(target: Target, lock: Lock) -> Iterator[Finding]:
    """Yield where the manifest does not say what the lock says."""
    shown = target.shown(target.outputs / FILE_NAME)
    fix = f"delete it; {target.command('apply')} writes it again"
    wanted = {
        (row.address, output.index): (row, output)
        for row in lock.rows.values()
        for output in row.outputs
        if row.state is not State.ORPHAN
    }
    try:
        found = read_manifest(target.outputs)
    except InvalidInputError as error:
        yield Finding(kind=Kind.MANIFEST, subject=shown, detail=error.diagnostics[0].detail, fix=fix)
        return
    if found is None:
        if wanted:
            yield Finding(kind=Kind.MANIFEST, subject=shown, detail="it is gone", fix=fix.partition("; ")[2])
        return
    owner, outputs = found
    if owner != lock.spec:
        yield Finding(kind=Kind.MANIFEST, subject=shown, detail=f"it belongs to {owner}, not to {lock.spec}", fix=fix)
        return
    listed = {(output.address, output.index): output for output in outputs}
    for detail, address in _differences(wanted, listed):
        yield Finding(kind=Kind.MANIFEST, subject=shown, detail=detail, fix=fix, address=address)


def _differences(
    wanted: Mapping[tuple[str, int], tuple[LockRow, LockedOutput]], listed: Mapping[tuple[str, int], ManifestOutput]
) -> Iterator[tuple[str, str]]:
    for (address, index), (row, output) in sorted(wanted.items(), key=lambda item: item[0]):
        entry = listed.get((address, index))
        if entry is None:
            yield f"it lacks image {index} of {address}", address
            continue
        wrong = [name for name, (told, locked) in _facts(entry, row, output).items() if told != locked]
        if wrong:
            yield f"it says otherwise than the lock of image {index} of {address}: {', '.join(wrong)}", address
    for address, index in sorted(listed.keys() - wanted.keys()):
        yield f"it lists image {index} of {address}, which the lock does not have", address


def _facts(entry: ManifestOutput, row: LockRow, output: LockedOutput) -> Mapping[str, tuple[object, object]]:
    return {
        "path": (entry.path, output.path),
        "blob": (entry.blob, output.blob),
        "file": (entry.file, output.file),
        "key": (entry.key, row.key),
        "request_digest": (entry.request_digest, row.request_digest),
        "provider": (entry.provider, row.provider),
        "model": (entry.model, row.model),
        "params": (entry.params, row.params),
        "prompt": (entry.prompt, str(row.params.get("prompt", ""))),
        "seed": (entry.seed, row.seed),
    }


def _key(row: LockRow) -> str | None:
    try:
        return canonical_digest(locked_recipe(row))
    except NotCanonicalError:
        return None

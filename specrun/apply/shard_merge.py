"""The parts that shards left, joined to what one machine would have written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from specrun.apply.listing import gather_facts, listed
from specrun.apply.place import Place, place_of
from specrun.apply.session import as_found
from specrun.catalog.prices import Prices
from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.model.lock import Lock, LockRow, State
from specrun.model.output_path import folded, stem
from specrun.model.plan import Plan
from specrun.model.project import Project
from specrun.model.shard import Shard
from specrun.store.hold import hold
from specrun.store.lockfile import check_owner, lock_path, write_lock
from specrun.store.manifest import FILE_NAME, ImageFacts, read_manifest, write_manifest
from specrun.store.parts import part_path, parts_of, read_part


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """The lock that the parts became, and how many there were."""

    lock: Lock
    parts: int


def merge(plan: Plan, project: Project, prices: Prices) -> Merged:
    """Write lock and manifest from the parts of all shards, then remove these.

    `plan` is the whole spec's. A kill in between leaves parts that merge again to the same. Raises
    `InvalidInputError` where parts are missing or do not belong together, `BusyError`.
    """
    place = place_of(plan, project, lock_path(plan.spec, plan.asked.variant))
    # First, since whoever leaves a hold by an error may have left something to recover.
    shards = _complete(place)
    with hold(place.holds, place.spec, place.name):
        old, facts = as_found(place)
        parts = [_read(place, shard) for shard in shards]
        lock = joined(plan, old, parts)
        for shard in shards:
            facts |= _facts(place, shard)
        known = gather_facts(lock, facts, ledger=place.ledger, blobs=place.blobs(), outputs=place.outputs)
        _check_facts(place, lock, known)
        write_lock(place.lock, lock)
        write_manifest(place.outputs, listed(lock, plan, known, prices.of))
        for shard in shards:
            part_path(place.outputs / FILE_NAME, shard).unlink(missing_ok=True)
            part_path(place.lock, shard).unlink()
    return Merged(lock=lock, parts=len(parts))


def joined(plan: Plan, old: Lock | None, parts: Sequence[Lock]) -> Lock:
    """Return the lock that one apply of the whole plan would have left, from what each shard locked of its runs."""
    made = {address: row for part in parts for address, row in part.rows.items()}
    rows = dict(old.rows) if old is not None else {}
    wanted = [action.address for action in plan.actions if action.run is not None]
    _check_parts(plan, parts, [address for address in wanted if address not in made])
    gone = set(_moved_away(rows, made, wanted))
    for address in rows.keys() - set(wanted):
        rows[address] = replace(rows[address], state=rows[address].state or State.ORPHAN)
    kept = {address: row for address, row in rows.items() if address not in gone}
    return Lock(
        spec=parts[0].spec,
        name=plan.name,
        files=plan.files,
        vars=plan.vars,
        rows=kept | {address: made[address] for address in wanted},
    )


def _moved_away(before: Mapping[str, LockRow], made: Mapping[str, LockRow], wanted: Sequence[str]) -> Iterator[str]:
    """Yield the addresses that the spec no longer has and whose images now stand under another one, or gave way."""
    still = set(wanted)
    taken = {folded(stem(output.path)) for address in wanted for output in made[address].outputs}
    left: dict[str | None, list[str]] = {}
    for address, row in sorted(before.items(), reverse=True):
        if address in still:
            continue
        if any(folded(stem(output.path)) in taken for output in row.outputs):
            yield address
        elif row.outputs or row.state not in (None, State.ORPHAN):
            left.setdefault(row.key, []).append(address)
    for address in wanted:
        row, own = made[address], before.get(address)
        candidates = left.get(row.key)
        if candidates and (own is None or own.key != row.key) and _same(row, before[candidates[-1]]):
            yield candidates.pop()


def _same(row: LockRow, origin: LockRow) -> bool:
    """Say whether a row has its images, or what it is held for, from another."""
    held = None if origin.state is State.ORPHAN else origin.state
    return row.state == held and [o.blob for o in row.outputs] == [o.blob for o in origin.outputs]


def _complete(place: Place) -> tuple[Shard, ...]:
    """Return all shards that there are parts of; raise `InvalidInputError` unless they make a whole."""
    found = tuple(parts_of(place.lock))
    counts = {shard.count for shard in found}
    if not found:
        detail = f"no parts of {place.lock.name} are beside {place.spec}"
        raise _unmergeable(detail, "apply each shard first: `specrun apply --shard 1/4 SPEC`")
    if len(counts) > 1:
        detail = f"{place.lock.parent} holds parts of different splits: {', '.join(map(str, found))}"
        raise _unmergeable(detail, "delete those of the split that is not meant")
    missing = sorted(set(range(1, max(counts) + 1)) - {shard.number for shard in found})
    if missing:
        detail = f"of {max(counts)} shards these have left no part here: {', '.join(map(str, missing))}"
        raise _unmergeable(detail, "bring their files, or apply them: `specrun apply --shard i/N SPEC`")
    return found


def _read(place: Place, shard: Shard) -> Lock:
    path = part_path(place.lock, shard)
    part = read_part(place.lock, shard)
    if part is None:
        raise _unmergeable(f"{path} has gone", "apply that shard again")
    check_owner(part, path, spec=place.spec, root=place.root)
    return part


def _facts(place: Place, shard: Shard) -> dict[str, ImageFacts]:
    found = read_manifest(place.outputs, part_path(place.outputs / FILE_NAME, shard).name)
    return {} if found is None else {output.blob: output.facts for output in found[1]}


def _check_parts(plan: Plan, parts: Sequence[Lock], missing: Sequence[str]) -> None:
    """Raise unless all parts were made from the spec, its files and variables as they are now."""
    if any(part.files != plan.files or part.vars != plan.vars for part in parts) or missing:
        what = f"no part has {missing[0]}" if missing else "a file or variable has changed since a part was made"
        raise _unmergeable(what, "apply the shards again: what they have made is kept")


def _check_facts(place: Place, lock: Lock, known: Mapping[str, ImageFacts]) -> None:
    """Raise where nothing here says what an image is; its part of the manifest would."""
    for row in lock.rows.values():
        if row.state is not State.ORPHAN and any(output.blob not in known for output in row.outputs):
            whole = place.outputs / FILE_NAME
            detail = f"nothing here tells size and type of the images of {row.address}"
            raise _unmergeable(detail, f"bring every part of {whole}, beside it, from the machines of the shards")


def _unmergeable(detail: str, hint: str) -> InvalidInputError:
    return InvalidInputError(Diagnostic(summary="parts that do not merge", detail=detail, hint=hint))

"""Two locks of one spec compared: which runs came, went, moved, or have other images now, and why."""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

import msgspec

from specrun.model.lock import Lock, LockRow, State
from specrun.model.plan import Change
from specrun.plan.changes import changes
from specrun.plan.replacement import Paths


class Shift(Enum):
    """What became of one run between two locks."""

    REPLACED = "replaced"
    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"


class RunShift(msgspec.Struct, frozen=True, kw_only=True):
    """One run that differs; `before` and `after` are its rows, `changes` what differs in its request."""

    shift: Shift
    reason: str
    before: LockRow | None = None
    after: LockRow | None = None
    changes: tuple[Change, ...] = ()

    @property
    def address(self) -> str:
        """The run's address now, or for one that is gone the last it had."""
        row = self.after or self.before
        return "" if row is None else row.address


class LockDiff(msgspec.Struct, frozen=True, kw_only=True):
    """All that differs, by address; `same` counts the runs whose images are what they were."""

    shifts: tuple[RunShift, ...]
    same: int

    @property
    def counts(self) -> Mapping[Shift, int]:
        """How many runs each kind of difference has."""
        return {shift: sum(each.shift is shift for each in self.shifts) for shift in Shift}


def compare_locks(before: Lock | None, after: Lock | None) -> LockDiff:
    """Compare two locks by address, what is in only one of them by key and then by path; None stands for no lock."""
    old, new = _standing(before), _standing(after)
    stayed = [shift for address in old.keys() & new.keys() for shift in _changed(old[address], new[address])]
    shifts = (*stayed, *_came_and_went(old, new))
    return LockDiff(
        shifts=tuple(sorted(shifts, key=lambda each: each.address)),
        same=len(old.keys() & new.keys()) - len(stayed),
    )


def _standing(lock: Lock | None) -> Mapping[str, LockRow]:
    """Return a lock's rows but for the orphans, which the spec no longer has."""
    rows = {} if lock is None else lock.rows
    return {address: row for address, row in rows.items() if row.state is not State.ORPHAN}


def _came_and_went(old: Mapping[str, LockRow], new: Mapping[str, LockRow]) -> Iterator[RunShift]:
    """Yield the runs that only one lock has under their address; those with one key and the same images moved.

    A run whose images stand in place of another's is that one under another name, changed.
    """
    gone: dict[tuple[object, ...], list[LockRow]] = {}
    for address, row in old.items():
        if address not in new:
            gone.setdefault(_what(row), []).append(row)
    came = []
    for row in (row for address, row in new.items() if address not in old):
        if row.key is not None and (there := gone.get(_what(row))):
            origin = there.pop(0)
            yield RunShift(shift=Shift.MOVED, reason=f"was {origin.address}", before=origin, after=row)
        else:
            came.append(row)
    yield from _renamed_or_not({row.address: row for rows in gone.values() for row in rows}, came)


def _renamed_or_not(gone: dict[str, LockRow], came: Iterable[LockRow]) -> Iterator[RunShift]:
    standing = Paths(gone.values())
    for row in came:
        before = standing.at(output.path for output in row.outputs)
        if before is None or gone.pop(before.address, None) is None:
            yield RunShift(shift=Shift.ADDED, reason=_lacks(row) or "new in the spec", after=row)
            continue
        found = changes(before, row)
        reason = "; ".join(filter(None, (f"was {before.address}", _reason(before, row, found))))
        yield RunShift(shift=Shift.REPLACED, reason=reason, before=before, after=row, changes=found)
    for row in gone.values():
        yield RunShift(shift=Shift.REMOVED, reason="no longer in the spec", before=row)


def _changed(old: LockRow, new: LockRow) -> Iterator[RunShift]:
    """Yield what differs between the rows of one address, if that can be seen or is still to come."""
    if _images(old) == _images(new) and (new.outputs or (old.key == new.key and old.state == new.state)):
        if [output.path for output in old.outputs] != [output.path for output in new.outputs]:
            yield RunShift(shift=Shift.MOVED, reason=f"path was {old.outputs[0].path}", before=old, after=new)
        return
    found = changes(old, new)
    yield RunShift(shift=Shift.REPLACED, reason=_reason(old, new, found), before=old, after=new, changes=found)


def _reason(old: LockRow, new: LockRow, found: tuple[Change, ...]) -> str:
    fields = ", ".join(change.field for change in found)
    if fields:
        said = f"{fields} changed" if len(found) > 1 else f"{fields} changes"
    elif new.take != old.take:
        said = f"asked for anew (take {new.take})"
    elif old.outputs and new.outputs:
        said = "another image for the same request"
    else:
        said = "" if new.state is not None or not new.outputs else "made"
    return "; ".join(filter(None, (said, _lacks(new))))


def _lacks(row: LockRow) -> str:
    """Return why a run has no image, or not all; empty where it has."""
    if row.state is not None:
        return row.state.why
    return "" if row.outputs else "not made yet"


def _images(row: LockRow) -> tuple[tuple[int, str], ...]:
    return tuple((output.index, output.blob) for output in row.outputs)


def _what(row: LockRow) -> tuple[object, ...]:
    """Return what makes two rows the same run under two addresses."""
    return (row.key, *_images(row))

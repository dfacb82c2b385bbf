"""Two locks of one spec, joined by address after git could not."""

from collections.abc import Mapping
from dataclasses import replace

from specrun.model.lock import Lock, LockRow, State

# A row that holds money at stake says more than one that says nothing was made.
_AT_STAKE = (State.UNKNOWN, State.PARTIAL, State.UNUSABLE, State.REFUSED)


def merge_locks(ours: Lock, theirs: Lock, wanted: Mapping[str, str | None]) -> Lock:
    """Return a lock with the rows of both sides; `wanted` maps the spec's addresses to their keys.

    Where both sides have a row for an address, the one with the wanted key stays, then the one with images, then the
    one that is held, then ours. The digests of files and variables are ours; pinning takes them anew.
    """
    rows = {}
    for address in {**ours.rows, **theirs.rows}:
        sides = [lock.rows[address] for lock in (ours, theirs) if address in lock.rows]
        rows[address] = max(sides, key=lambda row: _worth(row, wanted.get(address)))
    return replace(ours, rows=rows)


def _worth(row: LockRow, key: str | None) -> tuple[bool, bool, bool]:
    return (row.key == key, bool(row.outputs), row.state in _AT_STAKE)

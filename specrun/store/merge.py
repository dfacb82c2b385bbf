"""Two locks of one spec, joined by address after git could not."""

from collections import Counter
from collections.abc import Mapping

from msgspec.structs import replace

from specrun.model.lock import Lock, LockRow, State

# A row that holds money at stake says more than one that says nothing was made.
_AT_STAKE = (State.UNKNOWN, State.PARTIAL, State.UNUSABLE, State.REFUSED)


def merge_locks(ours: Lock, theirs: Lock, wanted: Mapping[str, str | None]) -> Lock:
    """Return a lock with the rows of both sides; `wanted` maps the spec's addresses to their keys.

    Where both sides have a row for an address, that with images for the wanted key stays, then the one that is held,
    then ours. Images that lose their address so, and that the spec wants at another one, stand there. The digests of
    files and variables are ours; pinning takes them anew.
    """
    rows: dict[str, LockRow] = {}
    displaced: list[LockRow] = []
    for address in {**ours.rows, **theirs.rows}:
        sides = [lock.rows[address] for lock in (ours, theirs) if address in lock.rows]
        rows[address] = max(sides, key=lambda row: _worth(row, wanted.get(address)))
        displaced += [row for row in sides if row is not rows[address] and _tells(row)]
    _rehouse(displaced, rows, wanted)
    return replace(ours, rows=rows)


def _rehouse(displaced: list[LockRow], rows: dict[str, LockRow], wanted: Mapping[str, str | None]) -> None:
    """Put displaced rows where the spec wants their keys and has them nowhere; images first, then open questions."""
    homes: dict[str, list[str]] = {}
    for address, key in wanted.items():
        if key is not None:
            homes.setdefault(key, []).append(address)
    there = Counter((row.key, bool(row.outputs)) for row in rows.values() if _tells(row))
    waiting = sorted(displaced, key=lambda row: bool(row.outputs))
    while waiting:
        row = waiting.pop()
        if there[row.key, True] or (there[row.key, False] and not row.outputs):
            continue
        free = (home for home in homes.get(row.key or "", ()) if home not in rows or not _held(rows[home]))
        for home in free:
            if home in rows and _tells(rows[home]):
                there[rows[home].key, bool(rows[home].outputs)] -= 1
                waiting.append(rows[home])
            rows[home] = replace(row, address=home)
            there[row.key, bool(row.outputs)] += 1
            break


def _worth(row: LockRow, key: str | None) -> tuple[bool, bool, bool, bool]:
    made = bool(row.outputs)
    return (row.key == key and made, _held(row), row.key == key, made)


def _tells(row: LockRow) -> bool:
    """Say whether a row knows of more than pins."""
    return bool(row.outputs) or _held(row)


def _held(row: LockRow) -> bool:
    return row.state in _AT_STAKE

"""Locks of two branches: what git joins by itself, and what is joined by address where it cannot."""

import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specrun.canonical import digest
from specrun.model.lock import Lock, LockedOutput, LockRow, State
from specrun.store.conflict import conflict_sides
from specrun.store.lockfile import lock_bytes, parse_lock
from specrun.store.merge import merge_locks

STAKES = (State.UNKNOWN, State.PARTIAL, State.UNUSABLE, State.REFUSED)


def row(address: str, key: str, *, made: str = "", state: State | None = None) -> LockRow:
    outputs = (LockedOutput(index=1, path=f"{address}.png", blob=digest(made), file=digest(made)),) if made else ()
    pins: dict[str, Any] = {"provider": "p", "model": "m", "params": {}, "defaults": (), "schema_digest": "s"}
    rest: dict[str, Any] = {"request_digest": key, "seed": 1, "revision": 1, "sample": 1, "inputs": {}}
    return LockRow(address=address, key=key, outputs=outputs, state=state, **pins, **rest)


def lock(*rows: LockRow) -> Lock:
    return Lock(spec="shots.yaml", name="shots", rows={row.address: row for row in rows})


PINNED, MADE, HELD = row("a", "k"), row("a", "k", made="image"), row("a", "k", state=State.UNKNOWN)
OLD_MADE, OLD_HELD, OLD_PINNED = row("a", "old", made="old"), row("a", "old", state=State.PARTIAL), row("a", "old")


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (MADE, PINNED),
        (MADE, HELD),
        (MADE, OLD_MADE),
        (MADE, OLD_HELD),
        (HELD, PINNED),
        (HELD, OLD_MADE),
        (OLD_HELD, PINNED),  # the question about the old request stays open
        (OLD_HELD, OLD_MADE),
        (PINNED, OLD_MADE),
        (PINNED, OLD_PINNED),
        (OLD_MADE, OLD_PINNED),
    ],
)
def test_of_two_rows_for_an_address_the_one_that_says_more_of_what_is_wanted_stays(
    better: LockRow, worse: LockRow
) -> None:
    for sides in ((better, worse), (worse, better)):
        assert merge_locks(lock(sides[0]), lock(sides[1]), {"a": "k"}).rows == {"a": better}


def test_images_that_lose_their_address_stand_at_the_one_where_they_are_wanted() -> None:
    # One branch swapped two runs, the other made one of them under its old address.
    ours, theirs = lock(row("a", "k"), row("b", "old")), lock(OLD_MADE, row("b", "k"))
    merged = merge_locks(ours, theirs, {"a": "k", "b": "old"})
    assert merged.rows["b"].outputs == OLD_MADE.outputs
    assert merged.rows["a"] == PINNED


KEYS = st.sampled_from(["k1", "k2", "k3"])
ROWS = st.builds(
    lambda address, key, made, state: row(address, key, made=key * made, state=None if made else state),
    st.sampled_from("abcd"),
    KEYS,
    st.booleans(),
    st.sampled_from([None, *STAKES]),
)
LOCKS = st.lists(ROWS, max_size=4).map(lambda rows: lock(*rows))


@given(LOCKS, LOCKS, st.dictionaries(st.sampled_from("abcd"), KEYS))
def test_no_image_that_the_spec_wants_is_lost(ours: Lock, theirs: Lock, wanted: dict[str, str]) -> None:
    merged = merge_locks(ours, theirs, wanted)
    assert merged.rows.keys() >= ours.rows.keys() | theirs.rows.keys()
    had = {row.key for side in (ours, theirs) for row in side.rows.values() if row.outputs}
    held = {address for address, row in merged.rows.items() if row.state in STAKES}
    has = {row.key for row in merged.rows.values() if row.outputs}
    for address, key in wanted.items():
        assert key not in had or key in has or address in held


@pytest.mark.parametrize("form", ["shots[animal={},style={}]", "shots[style={1},animal={0}]"])
@pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])
def test_git_joins_what_two_branches_add_in_most_cases_and_the_rest_is_joined_by_address(
    style: str, form: str, tmp_path: Path
) -> None:
    chance = random.Random(1)
    conflicts = 0
    for _ in range(60):
        animals = chance.sample(range(100, 1000), 22)
        sides = {"base": animals[:20], "ours": animals[:21], "theirs": [*animals[:20], animals[21]]}
        for file, there in sides.items():
            addresses = [form.format(animal, paint) for animal in there for paint in ("ink", "oil", "pen")]
            locked = lock(*(row(address, address, made=address) for address in addresses))
            (tmp_path / file).write_bytes(lock_bytes(locked))
        command = ["git", "-c", f"merge.conflictStyle={style}", "merge-file", "-p", "ours", "base", "theirs"]
        merged = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        conflicts += merged.returncode > 0
        both = conflict_sides(merged.stdout) if merged.returncode else (merged.stdout, merged.stdout)
        ours, theirs = (parse_lock(side, tmp_path / "ours") for side in both)
        joined = merge_locks(ours, theirs, {})
        assert len(joined.rows) == 22 * 3
    assert 0 < conflicts < 10

from typing import Any

import pytest
from msgspec.structs import replace

from specrun.model.lock import Lock, LockedOutput, LockRow, State
from specrun.plan.compare import LockDiff, Shift, compare_locks


def row(
    address: str, *, blob: str | None = "b", key: str | None = None, prompt: str = "a cat", **fields: Any
) -> LockRow:
    path = f"{address}.png"
    return LockRow(
        address=address,
        key=key or f"key of {address}",
        request_digest=None,
        seed=7,
        provider="acme",
        model="acme/one",
        params={"prompt": prompt, "steps": 20, "seed": 7},
        defaults=(),
        revision=1,
        sample=1,
        schema_digest="s",
        inputs={},
        outputs=() if blob is None else (LockedOutput(index=1, path=path, blob=f"{address} {blob}", file="f"),),
        **fields,
    )


def lock(*rows: LockRow) -> Lock:
    return Lock(spec="specs/s.yaml", name="s", rows={each.address: each for each in rows})


def told(diff: LockDiff) -> list[tuple[str, str, str]]:
    return [(each.shift.value, each.address, each.reason) for each in diff.shifts]


def test_the_same_locks_differ_in_nothing() -> None:
    diff = compare_locks(lock(row("a"), row("b")), lock(row("b"), row("a")))
    assert diff == LockDiff(shifts=(), same=2)


def test_without_a_lock_before_everything_is_added_and_without_one_now_removed() -> None:
    assert told(compare_locks(None, lock(row("a")))) == [("added", "a", "new in the spec")]
    assert told(compare_locks(lock(row("a")), None)) == [("removed", "a", "no longer in the spec")]


def test_another_image_names_the_fields_that_changed() -> None:
    after = row("a", blob="c", key="k", prompt="a dog")
    diff = compare_locks(lock(row("a")), lock(after))
    assert told(diff) == [("replaced", "a", "prompt changes")]
    assert [(change.field, change.old, change.new) for change in diff.shifts[0].changes] == [
        ("prompt", "a cat", "a dog")
    ]
    assert diff.same == 0


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (row("a", blob="c", take=2), "asked for anew (take 2)"),
        (row("a", blob="c"), "another image for the same request"),
        (row("a", blob=None), "not made yet"),
        (row("a", blob=None, state=State.REFUSED), "the server's moderation refused it"),
        (row("a", blob=None, key="k", prompt="x"), "prompt changes; not made yet"),
    ],
)
def test_an_image_that_is_no_longer_the_same_says_why(after: LockRow, reason: str) -> None:
    assert told(compare_locks(lock(row("a")), lock(after))) == [("replaced", "a", reason)]


def test_a_run_that_was_made_since_says_so() -> None:
    assert told(compare_locks(lock(row("a", blob=None)), lock(row("a")))) == [("replaced", "a", "made")]


def test_a_key_that_moved_on_with_the_same_images_is_no_difference() -> None:
    assert compare_locks(lock(row("a")), lock(row("a", key="k"))) == LockDiff(shifts=(), same=1)


def test_a_run_under_another_address_or_path_has_moved() -> None:
    one = row("a", key="k")
    renamed = replace(one, address="z")
    elsewhere = replace(one, outputs=(replace(one.outputs[0], path="new/a.png"),))
    assert told(compare_locks(lock(one), lock(renamed))) == [("moved", "z", "was a")]
    assert told(compare_locks(lock(one), lock(elsewhere))) == [("moved", "a", "path was a.png")]


def test_a_run_under_another_address_whose_image_takes_the_place_of_its_own_was_renamed_and_changed() -> None:
    after = replace(
        row("b", key="k", prompt="a dog"), outputs=(LockedOutput(index=1, path="A.webp", blob="n", file="f"),)
    )
    diff = compare_locks(lock(row("a"), row("c")), lock(after, row("c")))
    assert told(diff) == [("replaced", "b", "was a; prompt changes")]
    assert [change.field for change in diff.shifts[0].changes] == ["prompt"]
    assert diff.same == 1


def test_an_image_in_the_place_of_one_whose_run_is_still_there_is_new() -> None:
    moved = replace(row("a"), outputs=(LockedOutput(index=1, path="elsewhere.png", blob="a b", file="f"),))
    came = replace(row("b"), outputs=(LockedOutput(index=1, path="a.png", blob="n", file="f"),))
    diff = compare_locks(lock(row("a")), lock(moved, came))
    assert told(diff) == [("moved", "a", "path was a.png"), ("added", "b", "new in the spec")]


def test_two_runs_of_one_request_move_each_and_are_not_mistaken_for_one() -> None:
    twins = [replace(row("t", key="k"), address=address) for address in ("a", "b")]
    moved = [replace(row("t", key="k"), address=address) for address in ("x",)]
    assert told(compare_locks(lock(*twins), lock(*moved))) == [
        ("removed", "b", "no longer in the spec"),
        ("moved", "x", "was a"),
    ]


def test_orphans_count_as_gone() -> None:
    assert told(compare_locks(lock(row("a")), lock(row("a", state=State.ORPHAN)))) == [
        ("removed", "a", "no longer in the spec")
    ]


def test_counts_and_what_stayed_add_up() -> None:
    before = lock(row("a"), row("b"), row("c"), row("d"))
    after = lock(row("a"), row("b", blob="x"), row("d"), row("e"))
    diff = compare_locks(before, after)
    assert diff.counts == {Shift.REPLACED: 1, Shift.ADDED: 1, Shift.REMOVED: 1, Shift.MOVED: 0}
    assert diff.same == 2

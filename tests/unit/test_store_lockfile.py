import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specrun.diagnostics import InvalidInputError
from specrun.model.lock import Lock, LockedOutput, LockRow, State
from specrun.model.path_rules import is_sound
from specrun.store.conflict import conflict_sides
from specrun.store.lockfile import check_owner, lock_bytes, lock_path, parse_lock, read_lock, write_lock

PATH = Path("specs/shots.lock.json")
KEY = "sha256:" + "a" * 64
BLOB = "sha256:" + "b" * 64


def row(address: str, **changes: Any) -> LockRow:
    fields: dict[str, Any] = {
        "address": address,
        "key": KEY,
        "request_digest": KEY,
        "seed": 7,
        "provider": "modelverse",
        "model": "black-forest-labs/FLUX.1-dev",
        "params": {"steps": 28, "prompt": "ein Käse", "guidance_scale": 2.5},
        "defaults": ("steps",),
        "revision": 1,
        "sample": 1,
        "schema_digest": KEY,
        "inputs": {},
        "outputs": (LockedOutput(index=1, path="shots/a.png", blob=BLOB, file=BLOB),),
    }
    return LockRow(**{**fields, **changes})


def lock(*rows: LockRow, **changes: Any) -> Lock:
    fields: dict[str, Any] = {"spec": "specs/shots.yaml", "name": "shots", "files": {"products.csv": KEY}}
    return Lock(**{**fields, **changes}, rows={row.address: row for row in rows})


def fault(data: bytes) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        parse_lock(data, PATH)
    return caught.value


def test_a_lock_stands_beside_its_spec_under_the_stem_or_the_variant() -> None:
    assert lock_path(Path("specs/shots.yaml")) == Path("specs/shots.lock.json")
    assert lock_path(Path("specs/shots.yaml"), "summer") == Path("specs/summer.lock.json")


def test_the_file_holds_one_run_a_line_sorted_by_address() -> None:
    held = row("a", outputs=(), state=State.UNKNOWN, take=2, request_digest=None, key=None)
    short = {"provider": "p", "model": "m", "params": {"z": 1, "a": {"y": 1, "x": 2}}, "schema_digest": "s"}
    made = row("b", **short, key="k", request_digest="r", seed=None, inputs={"b.png": "i", "a.png": None})
    assert lock_bytes(lock(made, held)).decode().splitlines() == [
        "{",
        '"format_version": "1.0",',
        '"spec": "specs/shots.yaml",',
        '"name": "shots",',
        '"files": {',
        f'"products.csv": "{KEY}"',
        "},",
        '"vars": {},',
        '"runs": [',
        (
            '{"address":"a","key":null,"request_digest":null,"take":2,"seed":7,"provider":"modelverse",'
            '"model":"black-forest-labs/FLUX.1-dev","params":{"guidance_scale":2.5,"prompt":"ein Käse","steps":28},'
            f'"defaults":["steps"],"revision":1,"sample":1,"schema_digest":"{KEY}","inputs":{{}},"outputs":[],'
            '"state":"unknown"},'
        ),
        (
            '{"address":"b","key":"k","request_digest":"r","take":1,"seed":null,"provider":"p","model":"m",'
            '"params":{"a":{"x":2,"y":1},"z":1},"defaults":["steps"],"revision":1,"sample":1,"schema_digest":"s",'
            f'"inputs":{{"a.png":null,"b.png":"i"}},"outputs":[{{"index":1,"path":"shots/a.png","blob":"{BLOB}",'
            f'"file":"{BLOB}"}}]}}'
        ),
        "]",
        "}",
    ]


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PATHS = TEXT.filter(is_sound).map(lambda text: f"{text}.png").filter(is_sound)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:".__add__)
ROWS = st.builds(
    row,
    TEXT,
    key=st.none() | TEXT,
    take=st.integers(1, 9),
    seed=st.none() | st.integers(0, 2**31 - 1),
    params=st.dictionaries(TEXT, st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | TEXT | st.lists(TEXT)),
    defaults=st.lists(TEXT).map(tuple),
    inputs=st.dictionaries(TEXT, st.none() | TEXT),
    outputs=st.lists(
        st.builds(LockedOutput, index=st.integers(1, 4), path=PATHS, blob=DIGESTS, file=DIGESTS), max_size=2
    ).map(tuple),
    state=st.none() | st.sampled_from(State),
)


@given(st.lists(ROWS, max_size=4, unique_by=lambda row: row.address), st.dictionaries(TEXT, TEXT))
def test_any_lock_reads_back_whatever_order_it_was_made_in(rows: list[LockRow], digests: dict[str, str]) -> None:
    original = lock(*rows, files=digests, vars=digests)
    assert parse_lock(lock_bytes(original), PATH) == original
    assert lock_bytes(lock(*reversed(rows), files=digests, vars=digests)) == lock_bytes(original)


def test_writing_the_same_lock_again_touches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "shots.lock.json"
    assert write_lock(path, lock(row("a")))
    before = path.stat().st_mtime_ns
    assert not write_lock(path, lock(row("a")))
    assert path.stat().st_mtime_ns == before
    assert read_lock(path) == lock(row("a"))


def test_no_lock_is_no_error(tmp_path: Path) -> None:
    assert read_lock(tmp_path / "shots.lock.json") is None


def test_unknown_fields_of_a_minor_version_are_ignored() -> None:
    content = json.loads(lock_bytes(lock(row("a"))))
    content |= {"format_version": "1.7", "novelty": 1}
    content["runs"][0]["novelty"] = {}
    assert parse_lock(json.dumps(content).encode(), PATH) == lock(row("a"))


def test_a_lock_of_a_newer_major_version_is_refused_even_where_its_rows_read_differently() -> None:
    for runs in ("[]", '{"a": 1}'):
        content = json.loads(lock_bytes(lock())) | {"format_version": "2.0", "runs": json.loads(runs)}
        error = fault(json.dumps(content).encode())
        assert str(error) == (
            "lock of a newer specrun: specs/shots.lock.json has format version 2.0; this specrun knows 1.0"
        )


def test_broken_json_is_shown_at_its_place() -> None:
    error = fault(lock_bytes(lock(row("a"))).replace(b'"take":1', b'"take":'))
    (diagnostic,) = error.diagnostics
    assert diagnostic.summary == "broken lock"
    assert str(diagnostic.span) == "specs/shots.lock.json:10:194"


def test_a_field_of_the_wrong_type_is_named_with_its_path() -> None:
    error = fault(lock_bytes(lock(row("a"), row("b"))).replace(b'"index":1', b'"index":"one"'))
    assert "$.runs[0].outputs[0].index" in str(error)


@pytest.mark.parametrize("name", ["index", "take", "seed", "sample", "revision", "steps"])
@pytest.mark.parametrize("number", [10**30, -(2**63), 2**63, 2**53])
def test_a_number_that_has_no_canonical_form_is_refused_where_it_is_read(name: str, number: int) -> None:
    data = re.sub(rf'"{name}":\d+'.encode(), f'"{name}":{number}'.encode(), lock_bytes(lock(row("a"))))
    assert "Expected `int` " in str(fault(data))


@pytest.mark.parametrize("params", ['{"a":[1e9,%d]}', '{"a":{"b":%d}}'])
def test_so_is_one_inside_a_parameter(params: str) -> None:
    given = json.dumps(row("a").params, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    data = lock_bytes(lock(row("a"))).replace(given.encode(), (params % 2**53).encode())
    assert "Expected `int` <= " in str(fault(data))


def test_an_address_that_is_locked_twice_is_named() -> None:
    data = lock_bytes(lock(row("a"), row("b"))).replace(b'"address":"b"', b'"address":"a"')
    assert str(fault(data)) == "address locked twice: specs/shots.lock.json has 2 rows for a"


def test_conflict_markers_are_recognised_and_both_sides_can_be_read(tmp_path: Path) -> None:
    ours, theirs = lock(row("a"), row("b"), row("z")), lock(row("a"), row("c"), row("z"))
    lines = lock_bytes(ours).decode().splitlines(keepends=True)
    other = lock_bytes(theirs).decode().splitlines(keepends=True)
    at = 10
    marked = [*lines[:at], "<<<<<<< HEAD\n", lines[at], "||||||| base\n", "=======\n", other[at], ">>>>>>> them\n"]
    path = tmp_path / "shots.lock.json"
    path.write_text("".join([*marked, *lines[at + 1 :]]))
    with pytest.raises(InvalidInputError, match="lock with conflict markers"):
        read_lock(path)
    assert [parse_lock(side, path) for side in conflict_sides(path.read_bytes())] == [ours, theirs]


def test_a_lock_of_another_spec_is_an_error_that_names_both() -> None:
    check_owner(lock(), PATH, spec="specs/shots.yaml")
    with pytest.raises(InvalidInputError, match=r"belongs to specs/shots.yaml, not to specs/other.yaml"):
        check_owner(lock(), PATH, spec="specs/other.yaml")


@pytest.mark.parametrize("head", [b"", b"\xef\xbb\xbf"])
def test_a_lock_checked_out_with_other_line_ends_is_read_and_left_alone(head: bytes, tmp_path: Path) -> None:
    path, pins = tmp_path / "shots.lock.json", lock(row("shots[a=1]"), row("shots[a=2]"))
    path.write_bytes(head + lock_bytes(pins).replace(b"\n", b"\r\n"))
    found = read_lock(path)
    assert found == pins
    before = path.read_bytes()
    if not head:
        assert not write_lock(path, pins)
        assert path.read_bytes() == before
    assert write_lock(path, lock(row("shots[a=1]")))
    assert path.read_bytes() == lock_bytes(lock(row("shots[a=1]")))

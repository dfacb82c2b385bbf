import json
from pathlib import Path
from typing import Any

import pytest

QUICKSTART = "specs/quickstart.yaml"

SPEC = """\
specrun: 1
provider: sandbox
vars: {place: a harbour}
jobs:
  dots:
    model: own/model
    prompt: "{{ name }} in {{ vars.place }}"
    matrix: {name: "{{ lines('names.txt') }}"}
"""
SCHEMA = {
    "type": "object",
    "required": ["model", "prompt"],
    "additionalProperties": False,
    "properties": {
        "model": {"const": "own/model"},
        "prompt": {"type": "string"},
        "seed": {"type": "integer", "default": -1},
        "steps": {"type": "integer", "default": 4},
    },
}


@pytest.fixture
def saved(specrun: Any) -> Any:
    """A project with one saved plan, for two runs."""
    folder: Path = specrun.folder
    (folder / "specs").mkdir()
    (folder / "schemas").mkdir()
    (folder / "specrun.yaml").write_text("budget: {images: 100}\n", "utf-8")
    (folder / "specs" / "dots.yaml").write_text(SPEC, "utf-8")
    (folder / "specs" / "names.txt").write_text("fox\nowl\n", "utf-8")
    (folder / "schemas" / "own.json").write_text(json.dumps(SCHEMA), "utf-8")
    specrun("plan", "-o", "plan.json", "--var", "place=a wood", "specs/dots.yaml")
    return specrun


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text("utf-8") + text, "utf-8")


def test_a_saved_plan_is_applied_without_asking_and_with_the_variables_it_was_made_with(saved: Any) -> None:
    ended = saved("apply", "plan.json", env={"SPECRUN_VAR_place": "elsewhere"})
    assert "Requests: 2.\n" in ended.out
    lock = json.loads((saved.folder / "specs/dots.lock.json").read_text("utf-8"))
    assert [row["params"]["prompt"] for row in lock["runs"]] == ["fox in a wood", "owl in a wood"]


@pytest.mark.parametrize(
    ("path", "text", "named"),
    [
        ("specs/dots.yaml", "# a note\n", "the spec file has changed since"),
        ("specs/names.txt", "elk\n", "a file that its templates read has changed since"),
        ("specrun.yaml", "provider: sandbox\n", "specrun.yaml has changed since"),
    ],
)
def test_a_plan_whose_inputs_moved_is_stale_and_says_which(saved: Any, path: str, text: str, named: str) -> None:
    append(saved.folder / path, text)
    ended = saved("apply", "plan.json", code=1)
    assert f"error: stale plan\n  plan.json: {named}\n" in ended.err
    assert not (saved.folder / "outputs").exists()


def test_a_plan_whose_schema_moved_is_stale(saved: Any) -> None:
    changed = SCHEMA | {"properties": SCHEMA["properties"] | {"strength": {"type": "number"}}}  # type: ignore[operator]
    (saved.folder / "schemas" / "own.json").write_text(json.dumps(changed), "utf-8")
    assert "a model's schema has changed since" in saved("apply", "plan.json", code=1).err


def test_a_plan_is_stale_once_the_lock_has_moved(saved: Any) -> None:
    saved("lock", "specs/dots.yaml")
    assert "plan.json: the lock has changed since\n" in saved("apply", "plan.json", code=1).err


def test_a_plan_that_would_now_ask_for_more_is_stale(saved: Any) -> None:
    saved("apply", "plan.json")
    saved("plan", "-o", "again.json", "--var", "place=a wood", "specs/dots.yaml")
    for kept in (saved.folder / "outputs/dots/dots/fox.png", *(saved.folder / ".specrun/store").glob("??/*")):
        kept.unlink()
    ended = saved("apply", "again.json", code=1)
    assert "outputs or ledger have changed: dots[name=fox] would now be asked for\n" in ended.err


def test_a_saved_plan_takes_no_second_opinion(saved: Any) -> None:
    assert "has said already" in saved("apply", "--var", "place=x", "plan.json", code=64).err
    assert "not both at once" in saved("apply", "plan.json", "specs/dots.yaml", code=64).err


def test_what_is_no_plan_is_refused_with_its_name(saved: Any) -> None:
    (saved.folder / "plan.json").write_text('{"format_version": "2.0"}', "utf-8")
    assert "plan of a newer specrun" in saved("apply", "plan.json", code=1).err
    (saved.folder / "plan.json").write_text("{", "utf-8")
    assert "broken plan" in saved("apply", "plan.json", code=1).err
    assert "unreadable plan" in saved("apply", "none.json", code=1).err


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"prompt":"fox in a wood"', '"prompt":"gnu in a wood"'),
        ('"seed":', '"seed": '),
        ('"name":"owl"', '"name":"cat"'),
        ('"requests":2', '"requests":1'),
    ],
)
def test_a_plan_that_was_edited_is_refused_as_such(saved: Any, old: str, new: str) -> None:
    path: Path = saved.folder / "plan.json"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    ended = saved("apply", "plan.json", code=1)
    assert "error: broken plan\n  plan.json was edited since it was saved\n" in ended.err
    assert "specrun plan -o FILE SPEC" in ended.err
    assert not (saved.folder / "outputs").exists()


def test_a_plan_with_other_line_ends_is_the_same_plan(saved: Any) -> None:
    path: Path = saved.folder / "plan.json"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert "Requests: 2.\n" in saved("apply", "plan.json").out


def test_a_plan_applied_elsewhere_says_where_it_looked_and_how_to_get_there(saved: Any) -> None:
    elsewhere = saved.folder.with_name("elsewhere")
    elsewhere.mkdir()
    told = saved("-C", str(elsewhere), "apply", str(saved.folder / "plan.json"), code=1).err
    assert f"plan.json is a plan of specs/dots.yaml, and {elsewhere} has no such file" in told
    assert "specrun -C DIR apply PLAN" in told


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format_version": "1.0"}'])
def test_a_damaged_plan_is_planned_again_not_deleted(saved: Any, text: str) -> None:
    (saved.folder / "plan.json").write_text(text, "utf-8")
    told = saved("apply", "plan.json", code=1).err
    assert "hint: plan again, and review the new plan: specrun plan -o FILE SPEC" in told


def test_an_expected_digest_lets_exactly_the_reviewed_plan_through(saved: Any) -> None:
    reviewed = json.loads((saved.folder / "plan.json").read_text("utf-8"))["digest"]
    spec = ("--var", "place=a wood", "specs/dots.yaml")
    assert (
        "error: not the plan expected\n" in saved("apply", "--yes", "--expect", reviewed, "specs/dots.yaml", code=1).err
    )
    assert "Requests: 2.\n" in saved("apply", "--yes", "--expect", reviewed, *spec).out


def test_saving_a_plan_twice_gives_the_same_bytes(saved: Any) -> None:
    saved(
        "plan", "-o", "twice.json", "--var", "place=a wood", "specs/dots.yaml", env={"TZ": "Asia/Tokyo", "LC_ALL": "C"}
    )
    assert (saved.folder / "twice.json").read_bytes() == (saved.folder / "plan.json").read_bytes()

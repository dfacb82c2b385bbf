"""Where nothing is left to do, commands say so without planning; they must never say so where it is not so."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SPEC = """\
specrun: 1
provider: sandbox
vars: {tone: warm}
prompts:
  scene: {file: prompts/scene.j2}
jobs:
  shots:
    model: black-forest-labs/Flux-Kontext-Pro
    prompts: [scene]
    matrix:
      item: "{{ csv('items.csv') }}"
      photo: "{{ glob('photos/*.png') }}"
    params: {image: "{{ photo }}"}
"""
KEEPS = "Nothing to do: 2 keep.\n"


@pytest.fixture
def settled(specrun: Any) -> Any:
    """A project in which everything was made, and that says so by itself."""
    folder = specrun.folder
    (folder / "specs/prompts").mkdir(parents=True)
    (folder / "specs/photos").mkdir()
    (folder / "specrun.yaml").write_text("")
    (folder / "specs/shots.yaml").write_text(SPEC)
    (folder / "specs/prompts/scene.j2").write_text("a {{ vars.tone }} picture of a {{ item.id }}")
    (folder / "specs/items.csv").write_text("id\nlamp\nmug\n")
    shutil.copy(Path(__file__).parents[2] / "cases/valid/product-shots/lamp.png", folder / "specs/a.png")
    shutil.copy(Path(__file__).parents[2] / "cases/valid/product-shots/bowl.png", folder / "specs/b.png")
    for name, link in (("j2", "prompts/scene.j2"), ("csv", "items.csv"), ("png", "photos/lamp.png")):
        linked_to = folder / "specs" / link
        if linked_to.exists():
            linked_to.rename(folder / f"specs/a.{name}")
        linked_to.symlink_to(folder / f"specs/a.{name}")
    (folder / "specs/b.j2").write_text("another picture of a {{ item.id }}")
    (folder / "specs/b.csv").write_text("id\nvase\nmug\n")
    specrun("apply", "--yes", "specs/shots.yaml")
    assert list((folder / ".specrun/settled").iterdir())
    return specrun


def planned_in_full(shell: Any, *arguments: str, env: dict[str, str] | None = None) -> str:
    """Return what a plan says that no record has a part in."""
    record = shell.folder / ".specrun/settled"
    aside = record.rename(record.with_name("aside"))
    try:
        return str(shell("plan", *arguments, "specs/shots.yaml", env=env, code=None).out)
    finally:
        aside.rename(record)


def test_what_is_settled_is_told_in_the_words_of_the_plan(settled: Any) -> None:
    found = settled("plan", "specs/shots.yaml").out
    assert KEEPS in found
    assert found == planned_in_full(settled)
    assert settled("plan", "--detailed-exitcode", "specs/shots.yaml").code == 0


def appended(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text((folder / name).read_text() + text)


MOVES: dict[str, Callable[[Path], object]] = {
    "the spec": lambda folder: (folder / "specs/shots.yaml").write_text(SPEC.replace("warm", "cold")),
    "a data file": appended("specs/items.csv", "vase\n"),
    "a prompt file": appended("specs/prompts/scene.j2", ", at night"),
    "an input image": lambda folder: shutil.copy(
        next((folder / "outputs").rglob("*.png")), folder / "specs/photos/lamp.png"
    ),
    "one more match of a pattern": lambda folder: shutil.copy(
        folder / "specs/photos/lamp.png", folder / "specs/photos/mug.png"
    ),
    "specrun.yaml": lambda folder: (folder / "specrun.yaml").write_text("provider: modelverse\noutputs: pictures\n"),
    "a nearer specrun.yaml": lambda folder: (folder / "specs/specrun.yaml").write_text(""),
    "an output that is gone": lambda folder: next((folder / "outputs").rglob("*.png")).unlink(),
    "an output that was edited": lambda folder: next((folder / "outputs").rglob("*.png")).write_bytes(b"edited"),
    "an output of another content and the same size and time": lambda folder: swapped(
        next((folder / "outputs").rglob("*.png"))
    ),
    "where a link to an input leads": lambda folder: linked(folder / "specs/photos/lamp.png", folder / "specs/b.png"),
    "where a link to a data file leads": lambda folder: linked(folder / "specs/items.csv", folder / "specs/b.csv"),
    "where a link to a prompt leads": lambda folder: linked(folder / "specs/prompts/scene.j2", folder / "specs/b.j2"),
    "the lock": lambda folder: (folder / "specs/shots.lock.json").unlink(),
    "the stamps of the outputs": lambda folder: shutil.rmtree(folder / ".specrun/seen"),
}


def linked(link: Path, target: Path) -> None:
    link.unlink()
    link.symlink_to(target)


def swapped(path: Path) -> None:
    found, data = path.stat(), path.read_bytes()
    path.write_bytes(data[:-9] + b"x" + data[-8:])
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


@pytest.mark.parametrize("what", MOVES)
def test_whatever_moves_is_planned_anew(settled: Any, what: str) -> None:
    MOVES[what](settled.folder)
    found = settled("plan", "specs/shots.yaml", code=None).out
    assert found == planned_in_full(settled)
    assert KEEPS not in found or what == "the stamps of the outputs"


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (("--var", "tone=cold"), {}),
        ((), {"SPECRUN_VAR_tone": "cold"}),
        (("--var-file", "prod.yaml"), {}),
        (("--replace", "item=lamp"), {}),
        (("--target", "item=lamp"), {}),
        (("--full",), {}),
        (("--name", "winter"), {}),
    ],
)
def test_whatever_else_is_asked_is_planned(settled: Any, arguments: tuple[str, ...], env: dict[str, str]) -> None:
    (settled.folder / "prod.yaml").write_text("tone: cold\n")
    found = settled("plan", *arguments, "specs/shots.yaml", env=env).out
    assert found == planned_in_full(settled, *arguments, env=env)
    assert found != settled("plan", "specs/shots.yaml").out


def test_a_model_of_the_projects_own_is_seen(settled: Any) -> None:
    shipped = json.loads(settled("schema", "black-forest-labs/Flux-Kontext-Pro").out)
    shipped["properties"]["guidance_scale"]["maximum"] = 7
    (settled.folder / "schemas").mkdir()
    (settled.folder / "schemas/own.json").write_text(json.dumps(shipped))
    ended = settled("plan", "specs/shots.yaml")
    assert "contract moved" in ended.err


def test_what_failed_is_never_settled(settled: Any) -> None:
    shutil.rmtree(settled.folder / ".specrun/settled")
    folder = settled.folder / "outputs/shots/shots"
    shutil.rmtree(folder)
    folder.write_text("in the way")
    settled("apply", "--yes", "specs/shots.yaml", code=1)
    assert not (settled.folder / ".specrun/settled").exists()


def test_a_second_apply_leaves_the_record_alone(settled: Any) -> None:
    [record] = (settled.folder / ".specrun/settled").iterdir()
    before = record.stat().st_mtime_ns
    settled("apply", "--yes", "specs/shots.yaml")
    assert record.stat().st_mtime_ns == before


def test_an_apply_of_what_is_settled_is_told_in_the_same_words(settled: Any) -> None:
    told = settled("apply", "--yes", "specs/shots.yaml")
    record = settled.folder / ".specrun/settled"
    record.rename(record.with_name("aside"))
    looked = settled("apply", "--yes", "specs/shots.yaml")
    assert (told.out, told.err) == (looked.out, looked.err)
    assert "Done: 2 runs kept." in told.out


@pytest.mark.parametrize("damage", [b"", b"{", b'{"context": 3}', b"\xff"])
def test_a_damaged_record_only_costs_time(settled: Any, damage: bytes) -> None:
    [record] = (settled.folder / ".specrun/settled").iterdir()
    record.write_bytes(damage)
    assert KEEPS in settled("plan", "specs/shots.yaml").out


def test_what_a_killed_apply_left_is_picked_up_though_nothing_is_left_to_do(settled: Any) -> None:
    [lock] = (settled.folder / ".specrun/holds").glob("shots-*.lock")
    holder = lock.with_suffix(".holder.json")
    holder.write_text('{"pid": 1, "host": "elsewhere", "since": "2026-01-01T00:00:00+00:00"}')
    settled("apply", "--yes", "specs/shots.yaml")
    assert not holder.exists()

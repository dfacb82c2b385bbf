"""A lock that somebody tampered with, and links that a checkout may carry: nothing out of the project is touched."""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specrun.canonical import digest
from specrun.cli.boundary import guarded
from specrun.cli.main import cli

SPEC = "specs/s.yaml"
LOCK = "specs/s.lock.json"
COMMANDS = (
    ("plan", SPEC),
    ("plan", "--html", "plan.html", SPEC),
    ("verify", "--store", "--repair", SPEC),
    ("show", "p"),
    ("gallery", SPEC),
    ("gallery", "-o", "site", SPEC),
    ("export", "--format", "in-toto", SPEC),
    ("export", SPEC),
    ("diff", "--base", "old.lock.json", "--html", "diff.html", SPEC),
    ("reproduce", "--yes", SPEC),
    ("lock", SPEC),
    ("merge", SPEC),
    ("resolve", "--accept", "p"),
    ("apply", "--yes", SPEC),
    ("apply", "--yes", "--replace", "p", SPEC),
    ("apply", "--yes", "--prune", SPEC),
    ("prune", "--yes", "--store", SPEC),
)
_opened: list[str] = []
_watched: list[str] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched and event in {"open", "os.remove", "os.rename", "os.rmdir", "os.truncate", "os.link", "os.symlink"}:
        names = [os.fsdecode(each) for each in arguments if isinstance(each, (str, bytes))]
        _opened.extend(f"{event} {name}" for name in names if os.path.realpath(name).startswith(_watched[0]))


sys.addaudithook(_watch)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with one image on the sandbox, a folder outside that is watched, and in it the same image."""
    (tmp_path / "outside/p").mkdir(parents=True)
    folder = tmp_path / "project"
    (folder / "specs").mkdir(parents=True)
    (folder / "specrun.yaml").write_text("provider: sandbox\n")
    job = "{model: black-forest-labs/FLUX.1-dev, prompt: a cat, params: {size: 256x256}, output: 'p/p.{{ ext }}'}"
    (folder / SPEC).write_text(f"specrun: 1\njobs:\n  p: {job}\n")
    monkeypatch.chdir(folder)
    assert guarded(cli, ["apply", "--yes", SPEC]) == 0
    shutil.copy(LOCK, "old.lock.json")
    shutil.copy("outputs/s/p/p.png", tmp_path / "outside/p/p.png")
    shutil.copytree(folder, tmp_path / "pristine", symlinks=True)
    _watched[:] = [str(tmp_path / "outside")]
    yield folder
    _watched.clear()
    _opened.clear()


def outside(folder: Path) -> dict[str, bytes]:
    place = folder.parent / "outside"
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def renew(folder: Path) -> None:
    """Bring the project back to what it was, under the same path."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    shutil.copytree(folder.parent / "pristine", folder, symlinks=True, dirs_exist_ok=True)


def tamper(folder: Path, path: str, file: str | None = None) -> None:
    lock = folder / LOCK
    text = re.sub(r'"path":"[^"]*"', lambda _: f'"path":{json.dumps(path)}', lock.read_text())
    lock.write_text(text if file is None else re.sub(r'"file":"[^"]*"', f'"file":"{file}"', text))


STEPS = ["..", "../..", "../../..", "outside", "p", "p.png", ".", "", "~", "victim.png"]
PATHS = st.lists(st.sampled_from(STEPS), min_size=2, max_size=6).map("/".join) | st.just("ABSOLUTE")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS, orphan=st.booleans())
def test_no_path_in_a_lock_makes_any_command_touch_what_is_outside(made: Path, path: str, orphan: bool) -> None:
    renew(made)
    victim = made.parent / "outside/p/p.png"
    tamper(made, str(victim) if path == "ABSOLUTE" else path, digest(victim.read_bytes()))
    if orphan:
        (made / SPEC).write_text((made / SPEC).read_text().replace("  p:", "  q:").replace("a cat", "a dog"))
    before = outside(made)
    _opened.clear()
    for command in COMMANDS:
        guarded(cli, list(command))
    assert _opened == []
    assert outside(made) == before


LINKS = {
    "a folder below outputs": "outputs/s/p",
    "the folder of a spec's outputs": "outputs/s",
    "the outputs": "outputs",
    "what the project remembers": ".specrun",
    "the store": ".specrun/store",
}


@pytest.mark.parametrize("orphan", [False, True])
@pytest.mark.parametrize("place", LINKS.values(), ids=LINKS.keys())
def test_no_link_in_a_checkout_makes_any_command_touch_what_is_outside(made: Path, place: str, orphan: bool) -> None:
    elsewhere = made.parent / "outside/there"
    shutil.move(made / place, elsewhere)
    (made / place).symlink_to(elsewhere)
    if orphan:
        (made / SPEC).write_text((made / SPEC).read_text().replace("  p:", "  q:").replace("a cat", "a dog"))
    before = outside(made)
    _opened.clear()
    for command in COMMANDS:
        guarded(cli, list(command))
    assert _opened == []
    assert outside(made) == before


@pytest.mark.parametrize("place", ["outputs", "outputs/s", ".specrun"])
def test_settings_may_allow_links_out_of_the_project(
    made: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.move(made / place, made.parent / "big disk")
    (made / place).symlink_to(made.parent / "big disk")
    assert guarded(cli, ["plan", SPEC]) == 1
    told = capsys.readouterr().err
    assert f"{place} is a symbolic link to {made.parent / 'big disk'}" in told
    assert "write `allow_outside: true` into specrun.yaml" in told
    with (made / "specrun.yaml").open("a") as file:
        file.write("allow_outside: true\n")
    assert guarded(cli, ["apply", "--yes", SPEC]) == 0
    assert guarded(cli, ["verify", SPEC]) == 0


def test_two_specs_of_one_name_are_an_error_of_plan_and_validate_too(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("x", "y"):
        (made / folder).mkdir()
        (made / folder / "v.yaml").write_text((made / SPEC).read_text().replace("a cat", f"a cat {folder}"))
    for command in ("plan", "validate", "apply"):
        yes = ["--yes"] if command == "apply" else []
        assert guarded(cli, [command, *yes, "x/v.yaml", "y/v.yaml"]) == 1
        assert "x/v.yaml and y/v.yaml are both called v" in capsys.readouterr().err


def test_a_project_whose_folder_has_changed_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "specs").mkdir()
    text = "specrun: 1\nprovider: sandbox\njobs: {p: {model: black-forest-labs/FLUX.1-dev, prompt: a cat}}\n"
    (tmp_path / SPEC).write_text(text)
    monkeypatch.chdir(tmp_path)
    assert guarded(cli, ["apply", "--yes", SPEC]) == 0
    (tmp_path / ".git").mkdir()
    assert guarded(cli, ["plan", SPEC]) == 1
    told = capsys.readouterr().err
    assert "`touch specs/specrun.yaml`; or bring them along: `mv specs/.specrun specs/outputs .`" in told
    for folder in (".specrun", "outputs"):
        shutil.move(f"specs/{folder}", folder)
    assert guarded(cli, ["plan", "--detailed-exitcode", SPEC]) == 0
    assert guarded(cli, ["apply", "--yes", "--frozen", SPEC]) == 0
    assert guarded(cli, ["verify", SPEC]) == 0


@pytest.mark.parametrize("place", [SPEC, LOCK, "specrun.yaml", "outputs/s/manifest.json", "outputs/s/p/p.png"])
def test_a_pipe_where_a_file_should_be_is_an_error_at_once(
    made: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (made / place).unlink()
    os.mkfifo(made / place)
    assert guarded(cli, ["apply", "--yes", SPEC]) == 1
    assert "named pipe" in "".join(capsys.readouterr())
    for command in COMMANDS:
        guarded(cli, list(command))


def test_outputs_that_are_a_file_are_said_to_be_one(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(made / "outputs")
    (made / "outputs").touch()
    assert guarded(cli, ["apply", "--yes", SPEC]) == 1
    assert "outputs is a file, where a folder should be\n  hint: move it away" in capsys.readouterr().err


def test_prune_lists_and_counts_no_file_that_another_run_has_by_now(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = "{model: black-forest-labs/FLUX.1-dev, prompt: a dog, params: {size: 256x256}, output: 'FILE.{{ ext }}'}"
    with (made / SPEC).open("a") as spec:
        spec.write(f"  q: {job}\n".replace("FILE", "q/q"))
    assert guarded(cli, ["apply", "--yes", SPEC]) == 0
    (made / SPEC).write_text(f"specrun: 1\njobs:\n  q: {job}\n".replace("FILE", "p/p"))
    assert guarded(cli, ["apply", "--yes", SPEC]) == 0
    capsys.readouterr()
    assert guarded(cli, ["prune", "--yes", SPEC]) == 0
    told = capsys.readouterr()
    assert "p/p.png" not in told.err
    assert told.out == "s: 1 orphan and 0 files removed\n"
    assert (made / "outputs/s/p/p.png").is_file()


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "-o", SPEC, SPEC),
        ("plan", "-o", LOCK, SPEC),
        ("plan", "--html", SPEC, SPEC),
        ("export", "-o", LOCK, SPEC),
        ("export", "-o", "outputs/s/manifest.json", SPEC),
        ("gallery", "-o", "site", SPEC),
        ("gallery", SPEC),
        ("verify", "--junit", SPEC, SPEC),
        ("summary", "--html", SPEC, SPEC),
        ("apply", "--yes", "--log-file", SPEC, SPEC),
        ("diff", "--base", "old.lock.json", "--html", SPEC, SPEC),
    ],
)
def test_no_option_writes_over_what_specrun_did_not_write(made: Path, words: tuple[str, ...]) -> None:
    (made / "site").mkdir()
    (made / "site/index.html").write_text("my own page")
    (made / "outputs/s.html").write_text("my own page")
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file() and ".specrun" not in path.parts}
    assert guarded(cli, list(words)) == 64
    assert {path: path.read_bytes() for path in before} == before


def test_what_specrun_wrote_is_written_anew(made: Path) -> None:
    for _ in range(2):
        for words in (
            ("plan", "-o", "plan.json", "--html", "plan.html"),
            ("export", "-o", "images.csv"),
            ("export", "--format", "jsonl", "-o", "images.jsonl"),
            ("export", "--format", "in-toto", "-o", "images.intoto"),
            ("gallery", "-o", "site"),
            ("gallery",),
            ("summary", "--html", "summary.html"),
            ("verify", "--junit", "verify.xml"),
            ("apply", "--yes", "--log-file", "log.jsonl"),
        ):
            assert guarded(cli, [*words, SPEC]) == 0

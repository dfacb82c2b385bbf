"""A request that is changed to one whose image was made before: no request, and a change all the same."""

import json
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from specrun.cli.boundary import guarded
from specrun.cli.main import cli

SPEC = """specrun: 1
provider: sandbox
vars: {season: winter}
jobs:
  cover:
    model: black-forest-labs/FLUX.1-dev
    prompt: "a cover for {{ vars.season }}"
    params: {size: 256x256}
"""
SCHEMA = Path(__file__).parents[3] / "schemas" / "plan.schema.json"
REASON = "prompt changes; no request: made already"


class Project:
    """A folder with one spec, in which commands run in this process."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Run a command, and return all that it printed."""
        assert guarded(cli, arguments) == code, self._capsys.readouterr()
        printed = self._capsys.readouterr()
        return printed.out + printed.err

    def picture(self, name: str = "s") -> bytes:
        return (self.folder / "outputs" / name / "cover" / "cover.png").read_bytes()

    def edit(self, old: str, new: str) -> None:
        text = (self.folder / "s.yaml").read_text("utf-8")
        assert old in text
        (self.folder / "s.yaml").write_text(text.replace(old, new), "utf-8")


@pytest.fixture
def back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Project]:
    """A spec whose prompt is again what it was before the last apply."""
    with chdir(tmp_path):
        project = Project(tmp_path, capsys)
        (tmp_path / "specrun.yaml").write_text("")
        (tmp_path / "s.yaml").write_text(SPEC, "utf-8")
        project("apply", "--yes", "s.yaml")
        project.edit("a cover for", "the final cover for")
        project("apply", "--yes", "s.yaml")
        project.edit("the final cover for", "a cover for")
        yield project


def test_the_plan_shows_what_changes_and_no_request(back: Project) -> None:
    said = back("plan", "--detailed-exitcode", "s.yaml", code=2)
    assert f"~ replace 1 run; {REASON}" in said
    assert "prompt: [-the final-]{+a+} cover for winter" in said
    assert "the seed follows from these fields" not in said
    assert "Plan: 1 replace.\nRequests: none.\nPrice: nothing.\n" in said
    assert f"~ replace 1 run; {REASON}".replace("~", "!") in back("plan", "--format", "markdown", "s.yaml")
    document = json.loads(back("plan", "--format", "json", "s.yaml"))
    Draft202012Validator(json.loads(SCHEMA.read_bytes())).validate(document)
    [action] = document["actions"]
    assert (action["action"], action["reason"], action["request"]) == ("replace", REASON, False)
    assert document["totals"]["requests"] == 0


def test_a_refusal_says_which_variable_may_be_why(back: Project) -> None:
    back("apply", "--yes", "--var", "season=summer", "s.yaml")
    back.edit("    params:", "    protect: true\n    params:")
    said = back("plan", "s.yaml", code=1)
    assert "warning: variable differs from last time\n  season is not what the lock was made with" in said
    assert "error: protected image\n  cover is protected" in said


def test_the_page_has_both_pictures(back: Project) -> None:
    back("plan", "--html", "plan.html", "s.yaml")
    page = (back.folder / "plan.html").read_text("utf-8")
    assert '"now"' in page
    assert '"made already"' in page
    assert "sandbox preview" not in page


def test_protection_keeps_the_picture(back: Project) -> None:
    before = back.picture()
    back.edit("    params:", "    protect: true\n    params:")
    for command in (("plan",), ("apply", "--yes"), ("lock",), ("apply", "--yes", "--target", "cover")):
        assert f"cover is protected, and this plan would replace it: {REASON}" in back(*command, "s.yaml", code=1)
    assert back.picture() == before


def test_protection_holds_also_where_the_change_was_locked_before(back: Project) -> None:
    before = back.picture()
    back("lock", "s.yaml")
    assert "an image of another request stands there" in back("plan", "--detailed-exitcode", "s.yaml", code=2)
    back.edit("    params:", "    protect: true\n    params:")
    assert "cover is protected" in back("apply", "--yes", "s.yaml", code=1)
    assert back.picture() == before


def test_a_locked_apply_refuses_it_and_a_frozen_one_sends_nothing(back: Project) -> None:
    assert "cover: key, seed changed" in back("lock", "--check", "s.yaml", code=2)
    assert "lock out of date" in back("apply", "--yes", "--locked", "s.yaml", code=2)
    before = back.picture()
    said = back("apply", "--yes", "--frozen", "s.yaml")
    assert "replaced  cover: cover/cover.png" in said
    assert "Requests: 0." in said
    assert back.picture() != before
    back("plan", "--detailed-exitcode", "s.yaml")


def test_a_saved_plan_without_a_request_never_comes_to_send_one(back: Project) -> None:
    back("plan", "-o", "plan.json", "s.yaml")
    for blob in (back.folder / ".specrun" / "store").rglob("*"):
        if blob.is_file():
            blob.unlink()
    said = back("apply", "plan.json", code=1)
    assert "outputs or ledger have changed: cover would now be asked for" in said


def test_verify_recommends_nothing_that_swaps_pictures(back: Project) -> None:
    said = back("verify", "s.yaml", code=1)
    assert f"the spec wants another image there: {REASON}" in said
    assert "fix: `specrun plan s.yaml` shows the change; undo it, or apply it" in said


@pytest.mark.parametrize("source", ["--var", "--var-file", "environment", "spec"])
def test_a_variable_that_differs_from_the_locks_warns_whatever_its_source(
    source: str, back: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (back.folder / "vars.yaml").write_text("season: fall\n")
    told: dict[str, tuple[str, ...]] = {"--var": ("--var", "season=fall"), "--var-file": ("--var-file", "vars.yaml")}
    if source == "environment":
        monkeypatch.setenv("SPECRUN_VAR_season", "fall")
    if source == "spec":
        back.edit("season: winter", "season: fall")
    said = back("plan", *told.get(source, ()), "s.yaml")
    assert "warning: variable differs from last time" in said
    assert "season is not what the lock was made with; now from" in said


def test_a_variable_that_is_no_longer_given_warns_and_swaps_nothing_in_silence(back: Project) -> None:
    back("apply", "--yes", "--var", "season=fall", "s.yaml")
    said = back("plan", "s.yaml")
    assert "season is not what the lock was made with; now from s.yaml:3:" in said
    assert "if it was given with --var season=…, give it again" in said
    assert f"~ replace 1 run; {REASON}" in said
    assert "season is not what the lock was made with" in back("verify", "s.yaml", code=1)
    back.edit("{season: winter}", "{}")
    back.edit("{{ vars.season }}", "all seasons")
    assert "the lock was made with season, which the spec no longer has" in back("plan", "s.yaml")


def test_each_variant_is_shown_with_its_own_attempts(back: Project) -> None:
    back("apply", "--yes", "--name", "fall", "--var", "season=fall", "s.yaml")
    back("apply", "--yes", "--name", "spring", "--shard", "1/1", "--var", "season=spring", "s.yaml")
    back("merge", "--name", "spring", "--var", "season=spring", "s.yaml")
    for name in ("fall", "spring"):
        said = back("show", "--name", name, "--var", f"season={name}", "cover")
        assert (said.count("(s.yaml)"), said.count("attempt")) == (1, 1)
    assert back("show", "cover").count("(s.yaml)") == 3
    own = back("show", "--spec", "s.yaml", "cover")
    assert (own.count("(s.yaml)"), own.count("attempt")) == (1, 2)

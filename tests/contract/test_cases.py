import json
import os
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from specrun.cli.boundary import guarded
from specrun.cli.main import cli

CASES = Path(__file__).parents[1] / "cases"
# Write what came instead of comparing it: UPDATE_CASES=1 pytest tests/contract/test_cases.py; then read the diff.
UPDATE = bool(os.environ.get("UPDATE_CASES"))


def folders(kind: str) -> list[str]:
    return sorted(folder.name for folder in (CASES / kind).iterdir())


@dataclass(frozen=True)
class Case:
    """A folder of `tests/cases`, copied to where it is a project of its own, with the command that it is for."""

    source: Path
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def run(self, default: str, *more: str) -> tuple[int, str, str]:
        """Run the case's command line, or the default, in this process; return exit code, stdout and stderr."""
        file = self.source / "command"
        words = shlex.split(file.read_text("utf-8") if file.exists() else default)
        while "=" in words[0]:
            self.patch.setenv(*words.pop(0).split("=", 1))
        assert words.pop(0) == "specrun"
        code = guarded(cli, [*words, *more])
        printed = self.capture.readouterr()
        return code, printed.out, printed.err

    def expect(self, name: str, text: str) -> None:
        """Compare a text with what the case's folder says it is."""
        expected = self.source / name
        if UPDATE:
            expected.write_text(text, "utf-8")
        assert text == (expected.read_text("utf-8") if expected.exists() else "")


@pytest.fixture
def case(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Case:
    source = CASES / request.param
    project = tmp_path / "project"
    shutil.copytree(source, project)
    monkeypatch.chdir(project)
    for name in ("NO_COLOR", "FORCE_COLOR", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return Case(source, capsys, monkeypatch)


@pytest.mark.parametrize("case", [f"valid/{name}" for name in folders("valid")], indirect=True)
def test_a_valid_spec_plans_to_exactly_these_runs(case: Case) -> None:
    code, plan, warnings = case.run("specrun plan spec.yaml", "--format", "json")
    assert code == 0, warnings
    case.expect("plan.txt", warnings + "\n".join(shown(json.loads(plan))) + "\n")


@pytest.mark.parametrize("case", [f"invalid/{name}" for name in folders("invalid")], indirect=True)
def test_an_invalid_spec_is_refused_in_exactly_these_words(case: Case) -> None:
    code, results, diagnostics = case.run("specrun validate spec.yaml")
    case.expect("diagnostics.txt", diagnostics)
    assert (code, results) == (1, "")


def test_there_are_more_than_sixty_ways_to_be_wrong() -> None:
    assert len(folders("invalid")) > 60


def shown(plan: dict[str, Any]) -> Iterator[str]:
    """Return a plan as a text that a person can review: each run with what it asks for and where it goes."""
    totals = plan["totals"]
    cost = " + ".join(f"{price['amount']} {price['currency']}" for price in totals["cost"])
    yield f"{plan['name']}: {totals['requests']} requests, {totals['images']} images, {cost or 'no price'}"
    yield from (f"reads {path} {digest}" for path, digest in plan["files"].items())
    for action in plan["actions"]:
        yield ""
        yield f"{action['action']} {action['address']}"
        yield from (f"    {name:<16}{value}" for name, value in facts(action))


def facts(action: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "why", action["reason"]
    yield "model", action["model"]
    params = action["params"]
    yield "prompt", json.dumps(params.pop("prompt"), ensure_ascii=False)
    for name, value in params.items():
        yield name, json.dumps(value, ensure_ascii=False)
    yield "key", action["key"]
    if action["shares"]:
        yield "shares", action["shares"]
    for output in action["outputs"]:
        yield "output", output

"""When a model's contract moves, the plan says which locked runs are affected and how, and regenerates none."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made import Made, begin

from specrun.catalog.load import load_catalog
from specrun.model.plan import Verb

FLUX = "black-forest-labs/FLUX.1-dev"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pristine")
    begin(folder).apply()
    return folder


@pytest.fixture
def made(pristine: Path, tmp_path: Path) -> Made:
    shutil.copytree(pristine, tmp_path, dirs_exist_ok=True)
    return Made(tmp_path)


def move(made: Made, change: Callable[[dict[str, Any]], None]) -> None:
    """Give the project a schema of its own for the model."""
    shipped = load_catalog(None).models[FLUX].path
    schema = json.loads(shipped.read_text("utf-8"))
    change(schema)
    folder = made.folder / "schemas"
    folder.mkdir()
    (folder / shipped.name).write_text(json.dumps(schema))


def test_a_new_default_is_told_and_changes_no_locked_run(made: Made) -> None:
    def change(schema: dict[str, Any]) -> None:
        schema["properties"]["guidance_scale"]["default"] = 9

    move(made, change)
    plan = made.plan()
    assert {action.verb for action in plan.actions} == {Verb.KEEP}
    (warning,) = plan.warnings
    assert warning.summary == "contract moved"
    assert "guidance_scale was 2.5 by default and is 9" in warning.detail
    assert (warning.runs, warning.example) == (3, "animals[animal=cat]")
    assert "lock --upgrade" in warning.hint
    assert made.apply().requests == 0


def test_a_parameter_that_came_is_told(made: Made) -> None:
    def change(schema: dict[str, Any]) -> None:
        schema["properties"]["mood"] = {"type": "string", "default": "calm"}

    move(made, change)
    (warning,) = made.plan().warnings
    assert 'mood is new, "calm" by default' in warning.detail


def test_a_range_that_moved_changes_nothing_that_is_sent(made: Made) -> None:
    def change(schema: dict[str, Any]) -> None:
        schema["properties"]["guidance_scale"]["maximum"] = 99

    move(made, change)
    (warning,) = made.plan().warnings
    assert "changed: nothing that these runs send" in warning.detail


def test_words_and_examples_are_no_part_of_the_contract(made: Made) -> None:
    def change(schema: dict[str, Any]) -> None:
        schema["description"] = "Draws."
        schema["properties"]["prompt"]["title"] = "What to draw"

    move(made, change)
    assert made.plan().warnings == ()

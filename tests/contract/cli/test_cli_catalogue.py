import json
import re
from pathlib import Path
from typing import Any

import pytest

from specrun.catalog.load import load_catalog
from specrun.catalog.shipped import FORMATS, format_path


def test_models_lists_every_model_with_what_it_does_and_costs(specrun: Any) -> None:
    shown = {line.split()[0]: line for line in specrun("models").out.splitlines()[1:]}
    assert set(shown) == set(load_catalog().models)
    assert shown["black-forest-labs/FLUX.1-dev"].endswith("  text-to-image, image-to-image  0.10 CNY  10")


def test_a_model_shows_each_parameter_with_what_it_takes_and_its_default(specrun: Any) -> None:
    shown = specrun("models", "black-forest-labs/FLUX.1-dev").out
    assert "\n  price: 0.10 CNY an image\n  free quota: 10 images an account\n" in shown
    rows = [re.split(r"\s{2,}", line) for line in shown.splitlines()]
    for row in (
        ["PARAMETER", "TAKES", "DEFAULT"],
        ["prompt", "text that is not empty", "required"],
        ["strength", "a number from 0 to 1", "0.8"],
        ["steps", "a whole number of 1 or more", "28"],
        ["image", "an image"],
    ):
        assert row in rows
    assert "\n    What the image shows, in words.\n" in shown


def test_an_unknown_model_is_answered_with_the_nearest(specrun: Any) -> None:
    ended = specrun("models", "black-forest-labs/FLUX.1-deb", code=64)
    assert 'no model is called "black-forest-labs/FLUX.1-deb"' in ended.err
    assert "hint: near it are black-forest-labs/FLUX.1-dev" in ended.err


def test_a_project_adds_models_by_their_schemas(project: Any) -> None:
    own = {
        "title": "House style",
        "properties": {"model": {"const": "acme/house"}, "prompt": {"type": "string"}},
        "required": ["model", "prompt"],
        "additionalProperties": False,
    }
    path = project.folder / "schemas/house.json"
    path.write_text(json.dumps(own))
    assert "acme/house  " in project("models").out
    assert json.loads(project("schema", "acme/house").out) == own


def test_a_broken_schema_of_the_project_is_named_with_its_place(project: Any) -> None:
    (project.folder / "schemas/house.json").write_text('{"properties": {"model": {"const": 5}}}')
    ended = project("models", code=1)
    assert ended.err.startswith("schemas/house.json:1:")
    assert "invalid model schema" in ended.err


@pytest.mark.parametrize("name", [*FORMATS, *load_catalog().models])
def test_schema_prints_each_schema_as_it_is_shipped(specrun: Any, name: str) -> None:
    path: Path = format_path(name) if name in FORMATS else load_catalog().models[name].path
    assert json.loads(specrun("schema", name).out) == json.loads(path.read_text("utf-8"))


def test_a_misspelt_schema_is_answered_with_the_nearest(specrun: Any) -> None:
    assert "near it are manifest" in specrun("schema", "manifset", code=64).err

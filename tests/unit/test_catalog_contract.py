"""A schema's digest: moved by what a request may hold, not by how that is explained."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from specrun.catalog.contract import contract
from specrun.catalog.facts import Facts
from specrun.catalog.load import load_catalog
from specrun.catalog.schema import ModelSchema

MODELS = load_catalog().models
FLUX = MODELS["black-forest-labs/FLUX.1-dev"]


def digest(schema: Any) -> str:
    return ModelSchema(id="m", path=Path("m.json"), schema=schema, facts=Facts()).digest


def explained(schema: Any) -> Any:
    """Return a schema with every explanation rewritten."""
    if isinstance(schema, list):
        return [explained(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    other = {key: explained(value) for key, value in schema.items() if key not in ("title", "examples", "x-specrun")}
    return other | {"description": "otherwise"} if "description" in schema else other


@pytest.mark.parametrize("id_", MODELS)
def test_titles_descriptions_examples_and_facts_do_not_move_the_digest(id_: str) -> None:
    schema = dict(MODELS[id_].schema)
    assert digest(explained(schema)) == MODELS[id_].digest


@pytest.mark.parametrize(
    ("keyword", "value"), [("minimum", 2), ("maximum", 60), ("default", 30), ("type", "number"), ("multipleOf", 2)]
)
def test_every_other_keyword_moves_the_digest(keyword: str, value: Any) -> None:
    changed = copy.deepcopy(dict(FLUX.schema))
    changed["properties"]["steps"][keyword] = value
    assert digest(changed) != FLUX.digest


def test_the_order_of_keywords_does_not_move_the_digest() -> None:
    assert digest(json.loads(json.dumps(FLUX.schema, sort_keys=True))) == FLUX.digest


def test_no_two_models_share_a_digest() -> None:
    assert len({model.digest for model in MODELS.values()}) == len(MODELS)


def test_the_digests_of_shipped_contracts_stand_in_users_locks_and_stay() -> None:
    assert FLUX.digest == "sha256:02c35ff20bba1b6175295d1918a481d19851e78194eda7330bcb27c4b848836a"


def test_parameters_and_values_that_are_called_like_explanations_are_kept() -> None:
    schema = {
        "title": "gone",
        "properties": {"title": {"title": "gone", "const": {"title": "kept"}}, "examples": True},
        "dependentSchemas": {"description": {"description": "gone", "minProperties": 1}},
        "allOf": [{"description": "gone", "if": {"title": "gone", "required": ["title"]}}],
        "items": {"examples": [1], "default": {"description": "kept"}},
        "enum": [{"title": "kept"}],
    }
    assert contract(schema) == {
        "properties": {"title": {"const": {"title": "kept"}}, "examples": True},
        "dependentSchemas": {"description": {"minProperties": 1}},
        "allOf": [{"if": {"required": ["title"]}}],
        "items": {"default": {"description": "kept"}},
        "enum": [{"title": "kept"}],
    }

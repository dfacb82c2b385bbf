"""One model: what its requests may hold, and the facts about it."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from specrun.canonical import canonical_digest
from specrun.catalog.contract import contract
from specrun.catalog.facts import ANNOTATION, Facts

# With no keyword but these at the top, each parameter is valid or not whatever the others are.
_SEPARABLE = frozenset({"type", "properties", "required", "additionalProperties"})
_HARMLESS = frozenset({"$schema", "$id", "$comment", "$defs", "title", "description", "examples", ANNOTATION})


# With a dictionary, so that digests are taken once and only where asked for; compared by identity, so it can be a key.
class ModelSchema(msgspec.Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """A model's JSON Schema with what specrun reads off it.

    `schema` is the whole document, for a request body. Everything else speaks of parameters: the body's properties
    without `model`. `path` is the file it came from.
    """

    id: str
    path: Path
    schema: Mapping[str, Any]
    facts: Facts

    @property
    def title(self) -> str:
        """The model's name for people."""
        return str(self.schema.get("title", self.id))

    @property
    def description(self) -> str:
        """What the model does, in a sentence or two; empty where the schema is silent."""
        return str(self.schema.get("description", ""))

    @property
    def inputs(self) -> tuple[str, ...]:
        """The parameters that take images."""
        return self.facts.inputs

    @property
    def has_seed(self) -> bool:
        """Whether a request says where its random numbers start."""
        return "seed" in self.properties

    @cached_property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        """Each parameter's own schema, in the order written."""
        declared = self.schema.get("properties", {})
        return {name: _written_out(schema) for name, schema in declared.items() if name != "model"}

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The parameters that every request needs."""
        return tuple(name for name in self.schema.get("required", ()) if name != "model")

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """The values of parameters that are left out, where the schema names them."""
        return {name: schema["default"] for name, schema in self.properties.items() if "default" in schema}

    @cached_property
    def digest(self) -> str:
        """The digest of the contract: the schema without titles, descriptions, examples and `x-specrun`."""
        return canonical_digest(contract(self.schema))

    @cached_property
    def closed(self) -> bool:
        """Whether parameters that the schema does not name are refused."""
        return self.schema.get("additionalProperties") is False

    @cached_property
    def separable(self) -> bool:
        """Whether a body is valid exactly if each parameter is valid by itself and none is missing."""
        keywords = self.schema.keys() - _HARMLESS
        return keywords <= _SEPARABLE and isinstance(self.schema.get("additionalProperties", True), bool)


def _written_out(schema: Any) -> Mapping[str, Any]:
    """Return a schema that is just `true` or `false` as the object that means the same."""
    if isinstance(schema, Mapping):
        return schema
    return {} if schema else {"not": {}}

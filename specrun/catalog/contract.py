"""The part of a JSON Schema that decides what a request may hold, apart from what only explains it."""

from collections.abc import Mapping
from typing import Any

from specrun.catalog.facts import ANNOTATION

_EXPLAINING = frozenset({"title", "description", "examples", ANNOTATION})
_NAMED_SCHEMAS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_LISTED_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SCHEMAS = frozenset(
    {
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)


def contract(schema: Any) -> Any:
    """Return `schema` without titles, descriptions, examples and `x-specrun`, at every depth.

    Only keywords go: a parameter that is called "title", or a default that holds one, is part of the contract.
    """
    if not isinstance(schema, Mapping):
        return schema
    return {keyword: _value(keyword, value) for keyword, value in schema.items() if keyword not in _EXPLAINING}


def _value(keyword: str, value: Any) -> Any:
    if keyword in _NAMED_SCHEMAS and isinstance(value, Mapping):
        return {name: contract(schema) for name, schema in value.items()}
    if keyword in _LISTED_SCHEMAS and isinstance(value, list):
        return [contract(schema) for schema in value]
    return contract(value) if keyword in _SCHEMAS else value

"""Whether a document is a JSON Schema that specrun can work with."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from specrun.canonical import NotCanonicalError, canonical

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

# The path inside the schema, what is wrong there, and what to do about it.
Problem: TypeAlias = tuple[tuple[str | int, ...], str, str]


def schema_problems(schema: Mapping[str, Any]) -> list[Problem]:
    """Return all that keeps `schema` from being a self-contained 2020-12 schema whose defaults satisfy it.

    Raises `RecursionError` for one that is nested too deeply or refers to itself without end.
    """
    if schema.get("$schema", _DIALECT) != _DIALECT:
        return [(("$schema",), "the schema is written for another edition of JSON Schema", f'use "{_DIALECT}"')]
    return [*_malformed(schema)] or [*_unresolved(schema)] or [*_refused_defaults(schema)]


def _malformed(schema: Mapping[str, Any]) -> Iterator[Problem]:
    try:
        canonical(schema)
    except NotCanonicalError as error:
        yield (), f"the schema holds a value that JSON does not carry unchanged: {error}", "use another value"
        return
    meta = Draft202012Validator(Draft202012Validator.META_SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
    for problem in meta.iter_errors(schema):
        hint = "see json-schema.org/understanding-json-schema for what this keyword takes"
        yield tuple(problem.absolute_path), f"not a valid JSON Schema: {problem.message}", hint


def _unresolved(schema: Mapping[str, Any]) -> Iterator[Problem]:
    resolver = Registry().resolver_with_root(DRAFT202012.create_resource(schema))
    for path, reference in _references(schema, ()):
        try:
            resolver.lookup(reference)
        except Unresolvable:
            yield path, f'nothing is found at "{reference}"', 'refer to a part of the same file, like "#/$defs/size"'


def _references(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in ("$ref", "$dynamicRef") and isinstance(item, str):
                yield (*path, key), item
            yield from _references(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, (*path, index))


def _refused_defaults(schema: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what the schema refuses of its own defaults; a schema that leads back to itself is found out on the way."""
    validator = Draft202012Validator(schema, registry=Registry())
    list(validator.iter_errors({}))
    for name, declared in schema.get("properties", {}).items():
        default = declared.get("default") if isinstance(declared, Mapping) else None
        errors = list(validator.descend(default, declared))
        if isinstance(declared, Mapping) and "default" in declared:
            for error in errors:
                path = ("properties", name, "default")
                yield path, f"the default of {name} is not valid by its own schema: {error.message}", "correct either"

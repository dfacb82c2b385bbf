"""Whether a document is a JSON Schema that specrun can work with."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from specrun.canonical import NotCanonicalError, canonical
from specrun.catalog.patterns import unusable
from specrun.catalog.subschemas import MOST_LOOKS, REFERENCES, Looks, subschemas
from specrun.catalog.validate import JsonSchema

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Patterns are tried by the engine that will match them.
_FORMATS = FormatChecker(set(Draft202012Validator.FORMAT_CHECKER.checkers) - {"regex"})
DEEPEST = 64

# The path inside the schema, what is wrong there, and what to do about it.
Problem: TypeAlias = tuple[tuple[str | int, ...], str, str]


def schema_problems(schema: Mapping[str, Any]) -> list[Problem]:
    """Return all that keeps `schema` from being a self-contained 2020-12 schema whose defaults satisfy it.

    One that passes is checked in time that follows from the size of what it is held against.
    """
    if schema.get("$schema", _DIALECT) != _DIALECT:
        return [(("$schema",), "the schema is written for another edition of JSON Schema", f'use "{_DIALECT}"')]
    for problems in (_nested, _malformed, _unmatchable, _unresolved, _unbounded, _refused_defaults):
        if found := list(problems(schema)):
            return found
    return []


def _nested(schema: Any) -> Iterator[Problem]:
    level = [schema]
    for _ in range(DEEPEST):
        level = [part for value in level for part in _held(value)]
        if not level:
            return
    yield (), f"values nest more than {DEEPEST} levels deep", "put what nests into $defs"


def _held(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()


def _malformed(schema: Mapping[str, Any]) -> Iterator[Problem]:
    try:
        canonical(schema)
    except NotCanonicalError as error:
        yield (), f"the schema holds a value that JSON does not carry unchanged: {error}", "use another value"
        return
    meta = Draft202012Validator(Draft202012Validator.META_SCHEMA, format_checker=_FORMATS)
    for problem in meta.iter_errors(schema):
        hint = "see json-schema.org/understanding-json-schema for what this keyword takes"
        yield tuple(problem.absolute_path), f"not a valid JSON Schema: {problem.message}", hint


def _unmatchable(schema: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the patterns that no engine without backtracking takes, and what would bring in another."""
    found = list(subschemas(schema))
    for path, part in found:
        if not isinstance(part, Mapping):
            continue
        patterns = [((*path, "patternProperties", each), each) for each in part.get("patternProperties", ())]
        if "pattern" in part:
            patterns.append(((*path, "pattern"), part["pattern"]))
        for at, pattern in patterns:
            if why := unusable(pattern):
                yield at, f"the pattern `{pattern[:60]}` {why}", "use another pattern, or lengths and enums"
        if "unevaluatedProperties" in part and any("patternProperties" in other for _, other in found):
            at = (*path, "unevaluatedProperties")
            yield at, "unevaluatedProperties does not go with patternProperties here", "use additionalProperties"


def _unresolved(schema: Mapping[str, Any]) -> Iterator[Problem]:
    follow = _following(schema)
    known = {id(part) for _, part in subschemas(schema)}
    for path, part in subschemas(schema):
        for keyword in REFERENCES:
            reference = part.get(keyword) if isinstance(part, Mapping) else None
            if reference is None:
                continue
            try:
                sound = id(follow(reference)) in known
            except Unresolvable:
                sound = False
            if not sound:
                hint = 'refer to a part of the same file, like "#/$defs/size"'
                yield (*path, keyword), f'no schema is found at "{reference}"', hint


def _following(schema: Mapping[str, Any]) -> Callable[[str], Any]:
    resolver = Registry().resolver_with_root(DRAFT202012.create_resource(schema))
    return lambda reference: resolver.lookup(reference).contents


def _unbounded(schema: Mapping[str, Any]) -> Iterator[Problem]:
    looks = Looks(schema, _following(schema))
    endless = looks.endless()
    if endless is not None:
        yield endless, "the schema refers to itself without end", "let no $ref lead back to where it stands"
    elif looks.most() > MOST_LOOKS:
        detail = f"the schema looks at one value more than {MOST_LOOKS:,} times"
        yield (), detail, "let fewer alternatives refer to the same parts"


def _refused_defaults(schema: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what the schema refuses of its own defaults."""
    validator = JsonSchema(schema, registry=Registry())
    for name, declared in schema.get("properties", {}).items():
        if isinstance(declared, Mapping) and "default" in declared:
            for error in validator.descend(declared["default"], declared):
                path = ("properties", name, "default")
                yield path, f"the default of {name} is not valid by its own schema: {error.message}", "correct either"

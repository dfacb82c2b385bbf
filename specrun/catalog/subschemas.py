"""The schemas within a schema, and how often they would have to look at one value."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
Found: TypeAlias = dict[int, tuple[Path, Any]]

_BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTED = ("allOf", "anyOf", "oneOf", "prefixItems")
_ALONE = ("not", "if", "then", "else", "items", "contains", "additionalProperties", "propertyNames")
_REST = ("unevaluatedItems", "unevaluatedProperties", "contentSchema")
# Of these at most one looks at any one part of a value; of all others each may.
_APART = frozenset(("properties", "prefixItems", "items", "additionalProperties"))
_SAME_VALUE = frozenset(("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"))
_NO_VALUE = frozenset(("$defs", "definitions", "contentSchema"))
REFERENCES = ("$ref", "$dynamicRef")

# Values nest no deeper in a request.
_DEEPEST = 64
# Schemas that people write look at a value some ten times.
MOST_LOOKS = 10_000

Follow: TypeAlias = Callable[[str], Any]


def subschemas(schema: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield a schema and all that it holds, with their paths."""
    waiting = [(path, schema)]
    while waiting:
        at, found = waiting.pop()
        yield at, found
        waiting.extend((inner, part) for _, inner, part in _parts(found, at))


def _parts(schema: Any, path: Path) -> Iterator[tuple[str, Path, Any]]:
    """Yield the schemas that a schema holds itself, with the keyword that each stands under."""
    if not isinstance(schema, Mapping):
        return
    for keyword in _BY_NAME:
        named = schema.get(keyword)
        if isinstance(named, Mapping):
            yield from ((keyword, (*path, keyword, name), part) for name, part in named.items())
    for keyword in _LISTED:
        listed = schema.get(keyword)
        if isinstance(listed, list):
            yield from ((keyword, (*path, keyword, index), part) for index, part in enumerate(listed))
    for keyword in (*_ALONE, *_REST):
        if isinstance(schema.get(keyword), Mapping):
            yield keyword, (*path, keyword), schema[keyword]


class Looks:
    """How often the schemas of a document look at a value, at most; `follow` gives what a reference leads to."""

    def __init__(self, schema: Any, follow: Follow) -> None:
        self._follow = follow
        self._found: Found = {id(part): (path, part) for path, part in subschemas(schema)}
        self._order: list[int] = []  # each behind those that it leads to

    def endless(self) -> Path | None:
        """Return where a schema stands that leads back to itself for the same value, if one does."""
        seen: set[int] = set()
        for number, (path, _) in self._found.items():
            if number not in seen and not self._ends(number, seen):
                return path
        return None

    def most(self) -> int:
        """Return how often one part of a value may be looked at, if that is less than `MOST_LOOKS`, else more.

        Call it once `endless` has found none.
        """
        before = dict.fromkeys(self._order, 0)
        most = 0
        for depth in range(_DEEPEST + 1):
            now: dict[int, int] = {}
            for number in self._order:
                now[number] = min(self._looks(number, before, now, own=depth == 0), MOST_LOOKS + 1)
            most = max(most, *now.values())
            if most > MOST_LOOKS:
                break
            before = now
        return most

    def _looks(self, number: int, before: Mapping[int, int], now: Mapping[int, int], *, own: bool) -> int:
        _, schema = self._found[number]
        looks, apart = int(own), 0
        for keyword, _, part in _parts(schema, ()):
            if keyword in _SAME_VALUE:
                looks += now[id(part)]
            elif keyword in _APART:
                apart = max(apart, before[id(part)])
            elif keyword not in _NO_VALUE:
                looks += before[id(part)]
        return looks + apart + sum(now[target] for target in self._targets(schema))

    def _ends(self, number: int, seen: set[int]) -> bool:
        """Go through all that looks at the same value, and note schemas behind those that they lead to."""
        ways = [(number, iter(self._same(number)))]
        seen.add(number)
        on_the_way = {number}
        while ways:
            current, rest = ways[-1]
            following = next(rest, None)
            if following is None:
                ways.pop()
                on_the_way.discard(current)
                self._order.append(current)
            elif following in on_the_way:
                return False
            elif following not in seen:
                seen.add(following)
                on_the_way.add(following)
                ways.append((following, iter(self._same(following))))
        return True

    def _same(self, number: int) -> list[int]:
        _, schema = self._found[number]
        held = [id(part) for keyword, _, part in _parts(schema, ()) if keyword in _SAME_VALUE]
        return [*held, *self._targets(schema)]

    def _targets(self, schema: Any) -> list[int]:
        if not isinstance(schema, Mapping):
            return []
        targets = [id(self._follow(schema[keyword])) for keyword in REFERENCES if isinstance(schema.get(keyword), str)]
        return [target for target in targets if target in self._found]

"""Values of a whole job's cells, each evaluated once for each distinct combination of the axes that it reads."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

from specrun.plan.faults import Failed
from specrun.plan.template import EvaluationError, Expression, Joined, Scope

T = TypeVar("T")

# A cell is one index into each axis.
Cell: TypeAlias = tuple[int, ...]


class Grid:
    """The axes of a job as the values that templates see; `base` holds the names that are the same everywhere."""

    def __init__(self, base: Scope, axes: Mapping[str, list[Any]], fixed: frozenset[str] = frozenset()) -> None:
        self.base = base
        self.values = list(axes.values())
        self._axes = axes
        self._names = list(axes)
        self._fixed = fixed

    def fixed(self, names: Mapping[str, Any]) -> "Grid":
        """Return a grid on which the given names, axes or not, are the same everywhere."""
        return Grid({**self.base, **names}, self._axes, self._fixed | frozenset(names))

    def reads(self, names: frozenset[str]) -> tuple[int, ...]:
        """Return which axes a set of names reads."""
        return tuple(position for position, name in enumerate(self._names) if name in names and name not in self._fixed)

    def scope(self, positions: tuple[int, ...], indices: Cell) -> dict[str, Any]:
        """Return the names in reach, with the given axes at the given indices."""
        scope = dict(self.base)
        for position, index in zip(positions, indices, strict=True):
            scope[self._names[position]] = self.values[position][index]
        return scope


class Column(Generic[T]):
    """One value a cell, made by `make(scope)` once for each combination of the axes in `names`."""

    def __init__(self, grid: Grid, names: frozenset[str], make: Callable[[Scope], T]) -> None:
        self._grid = grid
        self._make = make
        self.axes = grid.reads(names)
        self._memo: dict[Cell, T | Failed] = {}

    def at(self, cell: Cell) -> T | Failed:
        """Return the value of a cell, or how it failed."""
        indices = tuple([cell[axis] for axis in self.axes])
        found = self._memo.get(indices)
        if found is None:
            try:
                found = self._make(self._grid.scope(self.axes, indices))
            except EvaluationError as error:
                found = Failed((error.diagnostic,))
            self._memo[indices] = found
        return found


class TextColumn:
    """A text a cell: the parts of a template, each a column of its own, joined.

    Names in `later` are known only run by run; parts that read them are evaluated for each run.
    """

    def __init__(self, grid: Grid, template: Joined, later: frozenset[str] = frozenset()) -> None:
        self._grid = grid
        self._parts: list[str | Column[str] | Expression] = []
        reads: set[int] = set()
        for part in template.parts:
            if isinstance(part, str):
                self._parts.append(part)
            elif part.names & later:
                self._parts.append(part)
                reads.update(range(len(grid.values)))
            else:
                column = Column(grid, part.names, part.string)
                self._parts.append(column)
                reads.update(column.axes)
        self.axes = tuple(sorted(reads))

    def at(self, cell: Cell, known: Scope | None = None) -> str | Failed:
        """Return the text of a cell, or how its first failing part failed; `known` holds the later names."""
        texts = []
        for part in self._parts:
            text = part if isinstance(part, str) else self._part(part, cell, known or {})
            if isinstance(text, Failed):
                return text
            texts.append(text)
        return "".join(texts)

    def _part(self, part: "Column[str] | Expression", cell: Cell, known: Scope) -> str | Failed:
        if isinstance(part, Column):
            return part.at(cell)
        if part.variable is not None and part.variable in known:
            return str(known[part.variable])
        scope = self._grid.scope(tuple(range(len(cell))), cell) | dict(known)
        try:
            return part.string(scope)
        except EvaluationError as error:
            return Failed((error.diagnostic,))

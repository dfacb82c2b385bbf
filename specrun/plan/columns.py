"""Values of a whole job's cells, each evaluated once for each distinct combination of the axes that it reads."""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Generic, TypeAlias, TypeVar

from specrun.diagnostics import Diagnostic
from specrun.plan.bounds import Meter, OutOfStepsError
from specrun.plan.faults import Failed, together
from specrun.plan.template import EvaluationError, Expression, Joined, Scope

T = TypeVar("T")

# Shorter texts, even of as many runs as there may be, are no danger.
LARGE = 2000

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

    @property
    def names(self) -> list[str]:
        """All names in reach."""
        return list(dict.fromkeys((*self._names, *self.base)))

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
        # In C: an index for one axis, a tuple of them for more.
        self._place: Callable[[Cell], Any] = itemgetter(*self.axes) if self.axes else _nowhere
        self._memo: dict[Any, T | Failed] = {}

    def at(self, cell: Cell) -> T | Failed:
        """Return the value of a cell, or how it failed."""
        place = self._place(cell)
        found = self._memo.get(place)
        if found is None:
            found = self._memo[place] = self._made(cell)
        return found

    def _made(self, cell: Cell) -> T | Failed:
        try:
            return self._make(self._grid.scope(self.axes, tuple([cell[axis] for axis in self.axes])))
        except EvaluationError as error:
            return Failed(error.explained(self._grid.names))


class TextColumn:
    """A text a cell: the parts of a template, each a column of its own, joined.

    Names in `later` are known only run by run; parts that read them are evaluated for each run.
    """

    def __init__(self, grid: Grid, template: Joined, later: frozenset[str] = frozenset()) -> None:
        self._grid = grid
        self._pieces: list[str] = []
        self._columns: list[tuple[int, Column[str]]] = []
        self._later: list[tuple[int, Expression]] = []
        self._meter: Meter | None = None
        self._span = template.span
        reads: set[int] = set()
        for position, part in enumerate(template.parts):
            self._pieces.append(part if isinstance(part, str) else "")
            if isinstance(part, str):
                continue
            self._meter = part.sandbox.meter
            if part.names & later:
                self._later.append((position, part))
                reads.update(range(len(grid.values)))
            else:
                column = Column(grid, part.names, part.string)
                self._columns.append((position, column))
                reads.update(column.axes)
        self.axes = tuple(sorted(reads))

    def at(self, cell: Cell, known: Scope | None = None) -> str | Failed:
        """Return the text of a cell, or how its parts failed; `known` holds the later names."""
        pieces = self._pieces.copy()
        failed: list[Failed] = []
        for position, column in self._columns:
            text = column.at(cell)
            if isinstance(text, Failed):
                failed.append(text)
            else:
                pieces[position] = text
        for position, part in self._later:
            text = self._evaluated(part, cell, known or {})
            if isinstance(text, Failed):
                failed.append(text)
            else:
                pieces[position] = text
        return together(failed) if failed else self._joined(pieces)

    def _joined(self, pieces: list[str]) -> str | Failed:
        """Join the text of one cell; large ones of many cells would fill the memory, though none is too large."""
        text = "".join(pieces)
        if self._meter is not None and len(text) > LARGE:
            if self._meter.empty:
                return Failed(())
            try:
                self._meter.refill()
                self._meter.spend(len(text) // 8)
            except OutOfStepsError as error:
                return Failed((Diagnostic(summary="template failed", detail=str(error), span=self._span),))
        return text

    def _evaluated(self, part: Expression, cell: Cell, known: Scope) -> str | Failed:
        if part.variable is not None and known.get(part.variable) is not None:
            return str(known[part.variable])
        scope = self._grid.scope(tuple(range(len(cell))), cell) | dict(known)
        try:
            return part.string(scope)
        except EvaluationError as error:
            return Failed(error.explained([*self._grid.names, *known]))


def _nowhere(_cell: Cell) -> Cell:
    return ()

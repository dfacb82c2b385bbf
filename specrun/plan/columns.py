"""Values of a whole job's cells, each evaluated once for each distinct combination of the axes that it reads."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import repeat
from typing import Any, Generic, TypeAlias, TypeVar

from specrun.diagnostics import Diagnostic
from specrun.plan.bounds import Meter, OutOfStepsError
from specrun.plan.faults import Failed, together
from specrun.plan.template import EvaluationError, Expression, Joined, Scope, in_reach

T = TypeVar("T")

# Shorter texts, even of as many runs as there may be, are no danger.
LARGE = 2000

# Cells are worked on this many at once: enough for the work to be done by C, few enough to stay in its caches.
BATCH = 4096

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

    @cached_property
    def names(self) -> list[str]:
        """All names in reach, and the keys of the mappings among them."""
        firsts = {name: values[0] if values else None for name, values in self._axes.items()}
        return in_reach({**firsts, **self.base})

    def reads(self, names: frozenset[str]) -> tuple[int, ...]:
        """Return which axes a set of names reads."""
        return tuple(position for position, name in enumerate(self._names) if name in names and name not in self._fixed)

    def scope(self, positions: tuple[int, ...], indices: Cell) -> dict[str, Any]:
        """Return the names in reach, with the given axes at the given indices."""
        scope = dict(self.base)
        for position, index in zip(positions, indices, strict=True):
            scope[self._names[position]] = self.values[position][index]
        return scope


class Batch:
    """Some cells of one job, to be evaluated column by column; `numbers` are their places among the job's cells."""

    def __init__(self, cells: Sequence[Cell], numbers: Sequence[int]) -> None:
        self.cells = cells
        self.numbers = numbers
        self._along = list(zip(*cells, strict=True))
        self._places: dict[tuple[int, ...], Sequence[Any]] = {}
        self._firsts: dict[tuple[int, ...], list[int]] = {}

    def __len__(self) -> int:
        return len(self.cells)

    def along(self, axis: int) -> Sequence[int]:
        """Return each cell's index into one axis."""
        return self._along[axis]

    def places(self, axes: tuple[int, ...]) -> Sequence[Any]:
        """Return each cell's place on some axes: an index for one axis, a tuple of them for more or none."""
        if axes not in self._places:
            along = [self._along[axis] for axis in axes]
            found = along[0] if len(along) == 1 else list(zip(*along, strict=True)) if along else [()] * len(self)
            self._places[axes] = found
        return self._places[axes]

    def firsts(self, axes: tuple[int, ...]) -> list[int]:
        """Return the positions of the first cell at each place."""
        if axes not in self._firsts:
            places = self.places(axes)
            # The first of each place is written last.
            last = len(self) - 1
            found = dict(zip(reversed(places), range(last, -1, -1), strict=True))
            self._firsts[axes] = sorted(found.values())
        return self._firsts[axes]

    def without(self, positions: Collection[int]) -> "Batch":
        """Return the batch without the cells at some positions."""
        left = [position for position in range(len(self)) if position not in positions]
        return Batch([self.cells[position] for position in left], [self.numbers[position] for position in left])


class Column(Generic[T]):
    """One value a cell, made by `make(scope)` once for each combination of the axes in `names`."""

    def __init__(self, grid: Grid, names: frozenset[str], make: Callable[[Scope], T]) -> None:
        self._grid = grid
        self._make = make
        self.axes = grid.reads(names)
        self._memo: dict[Any, T | Failed] = {}

    def all(self, batch: Batch) -> list[T | Failed]:
        """Return the value of each cell, or how it failed."""
        places, memo = batch.places(self.axes), self._memo
        for position in batch.firsts(self.axes):
            if places[position] not in memo:
                memo[places[position]] = self._made(batch.cells[position])
        return list(map(memo.__getitem__, places))

    def only(self) -> T | Failed:
        """Return the value of every cell of a column that no axis changes."""
        return self.all(Batch([()], [0]))[0]

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
        self._parts: list[str | Column[str] | Expression] = []
        self._meter: Meter | None = None
        self._span = template.span
        reads: set[int] = set()
        for part in template.parts:
            if isinstance(part, str):
                self._parts.append(part)
                continue
            self._meter = part.meter
            if part.names & later:
                self._parts.append(part)
                reads.update(range(len(grid.values)))
            else:
                column = Column(grid, part.names, part.string)
                self._parts.append(column)
                reads.update(column.axes)
        self.axes = tuple(sorted(reads))

    def all(self, batch: Batch, known: Mapping[str, Sequence[Any]] | None = None) -> list[str | Failed]:
        """Return the text of each cell, or how its parts failed; `known` holds the later names, a value a cell."""
        columns = [self._column(part, batch, known or {}) for part in self._parts]
        failed = failures(column for column in columns if isinstance(column, list))
        if not failed and sum(map(_longest, columns)) <= LARGE:
            texts = [repeat(column, len(batch)) if isinstance(column, str) else column for column in columns]
            return list(map("".join, zip(*texts, strict=True))) if texts else [""] * len(batch)
        return [
            failed.get(position) or self._joined([_at(column, position) for column in columns])
            for position in range(len(batch))
        ]

    def _column(
        self, part: "str | Column[str] | Expression", batch: Batch, known: Mapping[str, Sequence[Any]]
    ) -> str | list[Any]:
        match part:
            case str():
                return part
            case Column():
                return part.all(batch)
            case Expression(variable=str() as name) if None not in known.get(name, (None,)):
                return list(map(str, known[name]))
            case Expression():
                return [
                    self._evaluated(part, cell, {name: values[position] for name, values in known.items()})
                    for position, cell in enumerate(batch.cells)
                ]

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
        scope = self._grid.scope(tuple(range(len(cell))), cell) | dict(known)
        try:
            return part.string(scope)
        except EvaluationError as error:
            return Failed(error.explained([*self._grid.names, *known]))


def failures(columns: Iterable[Sequence[object]]) -> dict[int, Failed]:
    """Return what failed in any of several columns, by position."""
    found: dict[int, list[Failed]] = {}
    for column in columns:
        if Failed in map(type, column):
            for position, value in enumerate(column):
                if isinstance(value, Failed):
                    found.setdefault(position, []).append(value)
    return {position: together(found[position]) for position in sorted(found)}


def _longest(column: str | list[Any]) -> int:
    return len(column) if isinstance(column, str) else max(map(len, column))


def _at(column: str | list[Any], position: int) -> str:
    return column if isinstance(column, str) else column[position]

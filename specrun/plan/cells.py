"""Which cells a job has: cross, exclude, where, include, and the overrides that each falls under."""

from collections.abc import Mapping
from itertools import product
from math import prod
from typing import Any

from specrun.diagnostics import Collector, Diagnostic, Severity, Span, did_you_mean
from specrun.plan.axes import Axis
from specrun.plan.bounds import describe
from specrun.plan.columns import Batch, Cell, Column, Grid
from specrun.plan.compile import Compiler
from specrun.plan.faults import CellFaults, Failed
from specrun.plan.labels import address, label_of, quoted
from specrun.plan.template import Constant, EvaluationError, Scope, Value, evaluate, names_in
from specrun.spec.nodes import Node, Sequence
from specrun.spec.spec import Job, Match, Override


class CellReader:
    """Finds the cells of one job; axes gain the values that only `include` has."""

    def __init__(self, job: Job, axes: list[Axis], scope: Scope, compiler: Compiler, faults: Collector) -> None:
        self._job = job
        self._axes = axes
        self._by_name = {axis.name: position for position, axis in enumerate(axes)}
        self._scope = scope
        self._compiler = compiler
        self._faults = faults
        self.whole = True  # False where cells are missing because something was faulty

    def cells(self, max_runs: int) -> list[Cell]:
        """Return the cells in order; an axis product over `max_runs` is a fault and gives none."""
        sizes = [axis.crossed for axis in self._axes]
        count = prod(sizes)
        included = self._include()
        if count > max_runs:
            shape = " x ".join(f"{axis.name} {axis.crossed:,}" for axis in self._axes)
            detail = f"job {self._job.name} crosses to {count:,} runs ({shape}), more than max_runs, {max_runs:,}"
            self._fault("too many runs", detail, self._job.span, "drop values, or raise `max_runs` in the spec")
            self.whole = False
            return []
        crossed = list(product(*(range(size) for size in sizes)))
        return self._where(self._exclude(crossed)) + included

    def overridden(self, overrides: tuple[Override, ...]) -> "list[dict[int, frozenset[int]] | None]":
        """Return, for each override, the values it matches by axis; None where it is faulty."""
        return [self._matched(override.match, "override") for override in overrides]

    def _exclude(self, cells: list[Cell]) -> list[Cell]:
        for match in self._job.exclude:
            wanted = self._matched(match, "exclude entry")
            if wanted is None or not cells:
                continue
            rest = [cell for cell in cells if not hits(cell, wanted)]
            if len(rest) == len(cells):
                self._warn("nothing excluded", "this entry matches no cell", match.span)
            elif not rest:
                self._warn("no cell left", f"`exclude` leaves no cell of job {self._job.name}", match.span)
            cells = rest
        return cells

    def _where(self, cells: list[Cell]) -> list[Cell]:
        where = self._job.where
        if where is None or not cells:
            return cells
        value = self._compiler.value(where)
        grid = Grid(self._scope, {axis.name: axis.values for axis in self._axes})
        column = Column(grid, names_in(value), lambda scope: _truth(value, scope, where.span))
        found = CellFaults()
        kept = []
        for cell, holds in zip(cells, column.all(Batch(cells, range(len(cells)))), strict=True):
            if isinstance(holds, Failed):
                found.hit(holds, address(self._job.name, self._labels(cell)))
                self.whole = False
            elif holds:
                kept.append(cell)
        found.report(self._faults)
        if not kept and self.whole:
            self._warn("no cell left", f"`where` keeps no cell of job {self._job.name}", where.span)
        return kept

    def _include(self) -> list[Cell]:
        cells: list[Cell] = []
        for match in self._job.include:
            named = self._positions(match, "include entry")
            missing = [axis.name for axis in self._axes if axis.name not in match.entries and axis.name != "sample"]
            if missing:
                detail = f"a cell names every axis; missing: {', '.join(missing)}"
                self._fault("incomplete cell", detail, match.span, "add them")
            if named is None or missing:
                continue
            choices = [self._choices(position, match, named) for position in range(len(self._axes))]
            cells.extend(product(*choices))
        return cells

    def _choices(self, position: int, match: Match, named: dict[int, Any]) -> tuple[int, ...]:
        """Return an included cell's value on one axis; every sample, where it does not say which."""
        if position not in named:
            return tuple(range(self._axes[position].crossed))
        index = self._included(position, match, named[position])
        return () if index is None else (index,)

    def _included(self, position: int, match: Match, wanted: Any) -> int | None:
        axis = self._axes[position]
        index = axis.index_of(wanted)
        if index is not None:
            return index
        if axis.name in ("prompt", "model", "sample"):
            span = match.entries[axis.name][1].span
            hint = did_you_mean(str(wanted), axis.labels) or f"known: {', '.join(axis.labels)}"
            self._fault(f"unknown {axis.name}", f'"{wanted}" is not among the job\'s {axis.name}s', span, hint)
            return None
        try:
            return axis.add(wanted)
        except EvaluationError as error:
            self._faults.extend(error.explained({axis.name: wanted, **self._scope}))
            return None

    def _matched(self, match: Match, what: str) -> dict[int, frozenset[int]] | None:
        """Return the values that a match means, by axis; None where one of them is faulty, or fits nothing."""
        named = self._positions(match, what)
        if named is None:
            return None
        found = {
            position: self._fitting(self._axes[position], wanted, match.entries[self._axes[position].name][1])
            for position, wanted in named.items()
        }
        sound = all(found[position] or not self._axes[position].values for position in found)
        self.whole = self.whole and sound
        return found if sound else None

    def _fitting(self, axis: Axis, wanted: Any, node: Node) -> frozenset[int]:
        """Return which values of an axis an entry means: a list is one of them, or else each of its members is."""
        whole = axis.index_of(wanted) if isinstance(wanted, list) else None
        if whole is not None or not axis.values:
            return frozenset() if whole is None else frozenset((whole,))
        if not isinstance(wanted, list):
            return self._one(axis, wanted, node)
        if not wanted:
            self._fault(
                "empty list", f"this names no value of axis {axis.name}", node.span, "name one, or leave it out"
            )
        places = node.items if isinstance(node, Sequence) and len(node.items) == len(wanted) else [node] * len(wanted)
        each = [self._one(axis, member, place) for member, place in zip(wanted, places, strict=True)]
        return frozenset().union(*each) if all(each) else frozenset()

    def _one(self, axis: Axis, wanted: Any, node: Node) -> frozenset[int]:
        """Return which values one entry means; what fits none is a fault."""
        found = axis.matching(wanted)
        if not found:
            shown = quoted(label_of(wanted)) if isinstance(wanted, (str, int, float)) else describe(wanted)
            detail = f"no value of axis {axis.name} is {shown}"
            if isinstance(wanted, Mapping):
                detail = f"no value of axis {axis.name} has all that this names"
            self._fault("value that fits nothing", detail, node.span, axis.near(wanted))
        return found

    def _positions(self, match: Match, what: str) -> dict[int, Any] | None:
        """Return a match's values by axis; None where one of them is faulty."""
        named: dict[int, Any] = {}
        sound = True
        for name, (key, node) in match.entries.items():
            if name not in self._by_name:
                hint = did_you_mean(name, self._by_name) or f"its axes: {', '.join(self._by_name) or 'none'}"
                self._fault("unknown axis", f"job {self._job.name} has no axis {name}", key.span, hint)
                sound = False
                continue
            try:
                named[self._by_name[name]] = evaluate(self._compiler.value(node), self._scope)
            except EvaluationError as error:
                self._faults.extend(error.explained(self._scope))
                sound = False
        if not match.entries:
            self._fault("empty match", f"this {what} names no axis", match.span, "name at least one axis")
            sound = False
        self.whole = self.whole and sound
        return named if sound else None

    def _labels(self, cell: Cell) -> list[tuple[str, str]]:
        return [(axis.name, axis.labels[index]) for axis, index in zip(self._axes, cell, strict=True)]

    def _fault(self, summary: str, detail: str, span: Span, hint: str = "") -> None:
        self._faults.add(Diagnostic(summary=summary, detail=detail, span=span, hint=hint))

    def _warn(self, summary: str, detail: str, span: Span) -> None:
        self._faults.add(Diagnostic(summary=summary, detail=detail, span=span, severity=Severity.WARNING))


def hits(cell: Cell, wanted: dict[int, frozenset[int]]) -> bool:
    """Whether a cell is among the values wanted on every axis named."""
    return all(cell[position] in indices for position, indices in wanted.items())


def _truth(value: Value, scope: Scope, span: Span) -> bool:
    result = evaluate(value, scope)
    if isinstance(result, bool):
        return result
    hint = "compare it, as in {{ item.stock | int > 0 }}"
    if isinstance(value, Constant):
        hint = f'put it in braces: "{{{{ {value.value} }}}}"'
    detail = f"`where` is true or false; here it gives {describe(result)}"
    raise EvaluationError(Diagnostic(summary="wrong type", detail=detail, span=span, hint=hint))

"""The images of a job that others are made from, found by the values of its axes."""

from collections.abc import Mapping
from itertools import product
from typing import Any

from specrun.canonical import canonical
from specrun.diagnostics import did_you_mean
from specrun.model.inputs import OutputImage
from specrun.plan.axes import Axis, same
from specrun.plan.bounds import IMAGES, check_data
from specrun.plan.columns import Cell
from specrun.plan.job import JobRuns
from specrun.plan.labels import label_of
from specrun.plan.template import FunctionError


class Upstream:
    """One job's images; looking some up costs as much as there are of them, however many there are in all."""

    def __init__(self, job: str, made: JobRuns) -> None:
        self._job = job
        self._made = made
        self._at = {axis.name: position for position, axis in enumerate(made.axes)}
        self._meant: dict[int, _Meaning] = {}
        self._cells: dict[Cell, dict[Cell, list[int]]] = {}

    def outputs(self, axes: Mapping[str, Any]) -> list[OutputImage]:
        """Return the images whose axes have the given values, in plan order; raise `FunctionError`."""
        for name in axes:
            if name not in self._at:
                hint = did_you_mean(name, self._at) or f"its axes: {', '.join(self._at) or 'none'}"
                raise FunctionError(f"job {self._job} has no axis {name}", name, hint)
            check_data(axes[name])  # says what is missing, or no data
        return [image for number in self._numbers(axes) for image in self._images(number)]

    def _numbers(self, axes: Mapping[str, Any]) -> list[int]:
        """Return which runs have the given values."""
        if not axes:
            return list(range(len(self._made.runs)))
        positions = tuple(sorted(self._at[name] for name in axes))
        wanted = {self._at[name]: value for name, value in axes.items()}
        meant = [self._meaning(position).of(wanted[position]) for position in positions]
        cells = self._by_cell(positions)
        return sorted(number for indices in product(*meant) for number in cells.get(indices, ()))

    def _meaning(self, position: int) -> "_Meaning":
        if position not in self._meant:
            self._meant[position] = _Meaning(self._made.axes[position])
        return self._meant[position]

    def _by_cell(self, positions: Cell) -> dict[Cell, list[int]]:
        """Return the numbers of the runs by their values on some axes."""
        if positions not in self._cells:
            found: dict[Cell, list[int]] = {}
            for number, cell in enumerate(self._made.cells):
                found.setdefault(tuple(cell[position] for position in positions), []).append(number)
            self._cells[positions] = found
        return self._cells[positions]

    def _images(self, number: int) -> list[OutputImage]:
        run, axes = self._made.runs[number], self._made.values(self._made.cells[number])
        return [
            OutputImage(address=run.address, key=run.key, index=index, axes=axes) for index in range(1, run.images + 1)
        ]


class _Meaning:
    """Which values of an axis are meant by a value as written: `same` says so, this finds them fast."""

    def __init__(self, axis: Axis) -> None:
        self._axis = axis
        self._by_text: dict[str, set[int]] = {}
        for index, (value, label) in enumerate(zip(axis.values, axis.labels, strict=True)):
            self._by_text.setdefault(label, set()).add(index)
            if isinstance(value, str | int | float) or value is None:
                self._by_text.setdefault(canonical(value), set()).add(index)

    def of(self, wanted: Any) -> list[int]:
        """Return the values meant, in order: a list means itself where the axis has it, else each of its members."""
        found = self._same(wanted)
        if found or not isinstance(wanted, list):
            return found
        return sorted({index for member in wanted for index in self._same(member)})

    def _same(self, wanted: Any) -> list[int]:
        candidates: Any = range(len(self._axis.values))
        if isinstance(wanted, str | int | float) or wanted is None:
            candidates = self._by_text.get(label_of(wanted), set()) | self._by_text.get(canonical(wanted), set())
        elif isinstance(wanted, IMAGES):
            candidates = self._by_text.get(label_of(wanted), set())
        values, labels = self._axis.values, self._axis.labels
        return sorted(index for index in candidates if same(wanted, values[index], labels[index]))

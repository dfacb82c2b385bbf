"""The cells of one job to its runs, a batch at a time."""

from collections.abc import Mapping
from itertools import compress, starmap

from specrun.diagnostics import Collector
from specrun.model.run import Run
from specrun.plan.columns import Batch, Cell, failures
from specrun.plan.faults import CellFaults, Failed
from specrun.plan.groups import Group, Groups
from specrun.plan.naming import Naming
from specrun.plan.outputs import OutputNamer
from specrun.plan.recipes import Recipes


class RunMaker:
    """Makes the runs of one job; cells that something is wrong with make none."""

    def __init__(self, naming: Naming, groups: Groups, namer: OutputNamer) -> None:
        self._naming = naming
        self._groups = groups
        self._namer = namer
        self._made: dict[int, Run] = {}
        self._failed: dict[int, tuple[Failed, str]] = {}

    def make(self, cells: list[Cell], faults: Collector) -> tuple[list[Run], list[Cell]]:
        """Return the runs in the order of their cells, and those cells; what is wrong with others goes to `faults`."""
        for group, batch in self._groups.batches(cells):
            self._make(group, batch)
        found = CellFaults()
        for number in sorted(self._failed):
            found.hit(*self._failed[number])
        found.report(faults)
        numbers = sorted(self._made)
        return [self._made[number] for number in numbers], [cells[number] for number in numbers]

    def _make(self, group: Group, batch: Batch) -> None:
        while len(batch):
            samples = self._naming.samples(batch)
            recipes = group.maker.make(batch, samples or [1] * len(batch))
            if isinstance(recipes, Recipes):
                self._name(group, batch, recipes, samples)
                return
            self._fail(batch, recipes)
            batch = batch.without(recipes)

    def _name(self, group: Group, batch: Batch, recipes: Recipes, samples: list[int] | None) -> None:
        labels = self._naming.labels(batch)
        outputs = self._namer.names(batch, labels if samples is None else labels[:-1], samples, recipes, group.ext)
        failed = failures([outputs])
        self._fail(batch, failed)
        facts = zip(
            self._naming.addresses(batch),
            recipes.commons,
            zip(*labels, strict=True) if labels else [()] * len(batch),
            recipes.values,
            recipes.seeds,
            samples or [1] * len(batch),
            recipes.keys,
            outputs,
            recipes.formats,
            strict=True,
        )
        named = [position not in failed for position in range(len(batch))]
        self._made.update(zip(compress(batch.numbers, named), starmap(Run, compress(facts, named)), strict=True))

    def _fail(self, batch: Batch, failed: Mapping[int, Failed]) -> None:
        addresses = self._naming.addresses(batch) if failed else []
        for position, why in failed.items():
            self._failed[batch.numbers[position]] = (why, addresses[position])

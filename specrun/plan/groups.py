"""Groups of a job's cells: the same model, prompt and overrides, so the same params and the same facts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import msgspec

from specrun.catalog.models import Catalog
from specrun.catalog.prices import image_price
from specrun.catalog.schema import ModelSchema
from specrun.diagnostics import Collector
from specrun.model.output_path import extension
from specrun.model.project import Provider
from specrun.model.run import Common, Price
from specrun.plan.axes import Axis, ModelChoice
from specrun.plan.cells import hits
from specrun.plan.columns import BATCH, Batch, Cell, Grid
from specrun.plan.compile import Compiler
from specrun.plan.pins import Pins
from specrun.plan.recipes import Kind, RecipeMaker
from specrun.plan.takes import Layers, check_required, merge
from specrun.plan.template import Scope
from specrun.spec.spec import Job, Spec
from specrun.spec.text import Text


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What all jobs of a spec are expanded with; `origin` says which line of a file a value comes from, if any."""

    spec: Spec
    provider: Provider
    prices: Mapping[str, Price]
    catalog: Catalog
    compiler: Compiler
    pins: Pins
    scope: Scope
    origin: Callable[[Any], str]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """What the runs of one group share: how their recipes are made, and the extension of their images."""

    maker: RecipeMaker
    ext: str


class Groups:
    """Parts cells into groups; a group is made when its first cell asks for it."""

    def __init__(
        self,
        setting: Setting,
        job: Job,
        models: tuple[ModelChoice, ...],
        axes: list[Axis],
        overrides: list[dict[int, frozenset[int]] | None],
        revision: int,
        faults: Collector,
    ) -> None:
        self._setting = setting
        self._job = job
        self._models = models
        self._overrides = [(number, wanted) for number, wanted in enumerate(overrides) if wanted is not None]
        self._revision = revision
        self._faults = faults
        self._axes = tuple([axis.name for axis in axes])
        at: Mapping[str, int] = {axis.name: position for position, axis in enumerate(axes)}
        self._model_at, self._prompt_at = at.get("model"), at.get("prompt")
        base = {"sample": 1, **setting.scope, "job": job.name}
        if self._model_at is None:
            base["model"] = models[0].name
        self.grid = Grid(base, {axis.name: axis.values for axis in axes})
        self.given: list[tuple[ModelSchema, Layers]] = []
        self.made: dict[tuple[int, int, tuple[int, ...]], Group] = {}

    def batches(self, cells: Sequence[Cell]) -> Iterator[tuple[Group, Batch]]:
        """Yield all cells, those of one group together, a batch at a time."""
        for group, numbers in self._parted(cells):
            for start in range(0, len(numbers), BATCH):
                chosen = numbers[start : start + BATCH]
                yield group, Batch([cells[number] for number in chosen], chosen)

    def _parted(self, cells: Sequence[Cell]) -> Iterable[tuple[Group, Sequence[int]]]:
        if not cells:
            return ()
        deciding = {axis for _, wanted in self._overrides for axis in wanted}
        axes = sorted(deciding.union(axis for axis in (self._model_at, self._prompt_at) if axis is not None))
        if not axes:
            return [(self._of(cells[0]), range(len(cells)))]
        parted: dict[int, tuple[Group, list[int]]] = {}
        at_place: dict[Any, list[int]] = {}
        place = itemgetter(*axes)
        for number, cell in enumerate(cells):
            where = place(cell)
            if where not in at_place:
                group = self._of(cell)
                at_place[where] = parted.setdefault(id(group), (group, []))[1]
            at_place[where].append(number)
        return parted.values()

    def _of(self, cell: Cell) -> Group:
        model = 0 if self._model_at is None else cell[self._model_at]
        prompt = 0 if self._prompt_at is None else cell[self._prompt_at]
        matching = tuple([number for number, wanted in self._overrides if hits(cell, wanted)])
        group = self.made.get((model, prompt, matching))
        if group is None:
            group = self._group(self._models[model], prompt, matching)
            self.made[model, prompt, matching] = group
        return group

    def _group(self, choice: ModelChoice, prompt: int, matching: tuple[int, ...]) -> Group:
        setting, job = self._setting, self._job
        given = layers(setting.spec, job, choice, matching)
        self.given.append((choice.schema, given))
        written = merge(given)
        check_required(written, choice.schema, job.span, self._faults)
        protect = job.protect
        for number in matching:
            said = job.overrides[number].protect
            protect = protect if said is None else said
        common = Common(
            job=job.name,
            axes=self._axes,
            provider=setting.provider.name,
            model=choice.schema.id,
            names=(),
            fixed={},
            defaults=(),
            inputs=(),
            revision=self._revision,
            schema_digest=choice.schema.digest,
            price=image_price(choice.schema.id, choice.schema, setting.provider, setting.prices),
            protect=protect,
            span=job.span,
        )
        text = setting.compiler.text(prompts(setting.spec, job)[prompt])
        kind = Kind(common=common, model=choice.schema, prompt=text, written=written)
        return Group(
            maker=RecipeMaker(kind, self._fixed(choice, prompt), setting.compiler, setting.pins),
            ext=extension(choice.schema.facts.media_type),
        )

    def _fixed(self, choice: ModelChoice, prompt: int) -> Grid:
        """Return the grid with what the group fixes as plain names, so that its columns do not repeat along them."""
        names = {"model": choice.name}
        if self._job.prompts is not None:
            names["prompt"] = str(self._job.prompts[prompt].value)
        return self.grid.fixed(names)


def layers(spec: Spec, job: Job, choice: ModelChoice, overrides: Iterable[int]) -> Layers:
    """Return the params of a job's model, the weakest first, with those of the overrides of these numbers."""
    alias = None if choice.alias is None else spec.models[choice.alias]
    return (
        spec.defaults,
        *(() if alias is None else (alias.params,)),
        job.params,
        *(job.overrides[number].params for number in overrides),
    )


def prompts(spec: Spec, job: Job) -> tuple[Text | None, ...]:
    """Return a job's prompt templates: those it names, or its own; None for a faulty one."""
    if job.prompts is not None:
        return tuple(spec.prompts[str(name.value)] for name in job.prompts)
    return (job.prompt,)

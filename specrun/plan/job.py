"""One job to its runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from specrun.catalog.models import Catalog
from specrun.diagnostics import Collector, Diagnostic, Severity, Span
from specrun.model.project import Provider
from specrun.model.run import Price, Run
from specrun.plan.axes import Axis, AxisReader, ModelChoice
from specrun.plan.cells import CellReader, hits
from specrun.plan.columns import Cell, Grid, TextColumn
from specrun.plan.faults import CellFaults, Failed
from specrun.plan.labels import address
from specrun.plan.params import Layers, check_known, check_required, merge
from specrun.plan.paths import PathProblemError, checked, default_path, extension, indexed, shortened, with_extension
from specrun.plan.pins import Pins
from specrun.plan.recipes import Kind, Recipe, RecipeMaker
from specrun.plan.template import Compiler, EvaluationError, Scope, evaluate
from specrun.spec.nodes import Node
from specrun.spec.spec import Job, Override, Spec
from specrun.spec.text import Text

_LATER = frozenset(("index", "key", "seed", "ext"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What all jobs of a spec are expanded with."""

    spec: Spec
    provider: Provider
    catalog: Catalog
    compiler: Compiler
    pins: Pins
    scope: Scope


@dataclass(frozen=True, slots=True)
class CellRun:
    """A run with the values of its axes, for templates that chain from it."""

    run: Run
    axes: dict[str, Any]


class JobExpander:
    """Expands one job; what is wrong goes to `faults`."""

    def __init__(self, setting: Setting, job: Job, faults: Collector) -> None:
        self._setting = setting
        self._job = job
        self._faults = faults
        self._hits = CellFaults()
        self._scope: Scope = {**setting.scope, "job": job.name}
        self._makers: dict[tuple[int, int, tuple[int, ...]], RecipeMaker] = {}

    def runs(self) -> list[CellRun]:
        """Return the job's runs in order; none where the job itself is faulty."""
        job, setting = self._job, self._setting
        samples, revision = self._count(job.samples, "samples"), self._count(job.revision, "revision")
        reader = AxisReader(setting.spec, setting.catalog, setting.compiler, self._faults)
        models = reader.models(job, self._scope)
        axes = reader.axes(job, models or (), self._scope)
        if models is None or axes is None or samples is None or revision is None or not self._prompts():
            return []
        if job.samples is not None:
            numbers = list(range(1, samples + 1))
            axes.append(Axis("sample", job.samples.span, list(numbers), [str(number) for number in numbers]))
        cells = CellReader(job, axes, self._scope, setting.compiler, self._faults)
        found = cells.cells(setting.spec.max_runs)
        overrides = cells.overridden(job.overrides)
        runs = list(self._expand(axes, models, found, overrides, revision))
        self._warn_of_idle_overrides(found, overrides)
        self._warn_of_idle_axes(axes, overrides, len(runs))
        self._hits.report(self._faults)
        return runs

    def _expand(
        self,
        axes: list[Axis],
        models: tuple[ModelChoice, ...],
        cells: list[Cell],
        overrides: list[dict[int, frozenset[int]] | None],
        revision: int,
    ) -> Iterator[CellRun]:
        names = [axis.name for axis in axes]
        at = {name: position for position, name in enumerate(names)}
        base = {"sample": 1, **self._scope}
        if "model" not in at:
            base["model"] = models[0].name
        grid = Grid(base, {axis.name: axis.values for axis in axes})
        output = None if self._job.output is None else self._setting.compiler.text(self._job.output)
        paths = None if output is None else TextColumn(grid, output, _LATER)
        many = output is None or not any("index" in part.names for part in output.parts if not isinstance(part, str))
        for cell in cells:
            labels = tuple((name, axes[position].labels[cell[position]]) for position, name in enumerate(names))
            where = address(self._job.name, labels)
            choice = models[cell[at["model"]]] if "model" in at else models[0]
            prompt = cell[at["prompt"]] if "prompt" in at else 0
            sample = axes[at["sample"]].values[cell[at["sample"]]] if "sample" in at else 1
            matching = tuple(n for n, wanted in enumerate(overrides) if wanted is not None and hits(cell, wanted))
            maker = self._maker(grid, choice, prompt, matching, revision)
            recipe = maker.make(cell, sample)
            if isinstance(recipe, Failed):
                self._hits.hit(recipe, where)
                continue
            outputs = self._outputs(paths, cell, labels, choice, recipe, add_index=many)
            if isinstance(outputs, Failed):
                self._hits.hit(outputs, where)
                continue
            run = self._run(where, labels, choice, recipe, outputs, sample, revision, matching)
            yield CellRun(run, {name: axes[position].values[cell[position]] for position, name in enumerate(names)})

    def _run(
        self,
        where: str,
        labels: tuple[tuple[str, str], ...],
        choice: ModelChoice,
        recipe: Recipe,
        outputs: tuple[str, ...],
        sample: int,
        revision: int,
        matching: tuple[int, ...],
    ) -> Run:
        provider = self._setting.provider
        price = choice.schema.facts.price
        if provider.free:
            price = Price(amount=Decimal(0), currency="CNY" if price is None else price.currency)
        protect = self._job.protect
        for number in matching:
            said = self._job.overrides[number].protect
            protect = protect if said is None else said
        return Run(
            address=where,
            job=self._job.name,
            axes=labels,
            provider=provider.name,
            model=choice.schema.id,
            params=recipe.params,
            defaults=recipe.defaults,
            response_format=recipe.response_format,
            seed=recipe.seed,
            sample=sample,
            revision=revision,
            key=recipe.key,
            schema_digest=recipe.schema_digest,
            outputs=outputs,
            price=price,
            protect=protect,
            span=self._job.span,
        )

    def _maker(
        self, grid: Grid, choice: ModelChoice, prompt: int, matching: tuple[int, ...], revision: int
    ) -> RecipeMaker:
        known = (id(choice), prompt, matching)
        if known not in self._makers:
            layers = self._layers(choice, [self._job.overrides[number] for number in matching])
            written = merge(layers)
            check_known(layers, choice.schema, self._setting.catalog, self._faults)
            check_required(written, choice.schema, self._job.span, self._faults)
            kind = Kind(
                provider=self._setting.provider.name,
                model=choice.schema,
                revision=revision,
                prompt=self._setting.compiler.text(self._prompts()[prompt]),
                written=written,
                span=self._job.span,
            )
            scoped = self._with_names(grid, choice, prompt)
            self._makers[known] = RecipeMaker(kind, scoped, self._setting.compiler, self._setting.pins)
        return self._makers[known]

    def _with_names(self, grid: Grid, choice: ModelChoice, prompt: int) -> Grid:
        """Return the grid with what the group fixes as plain names, so that its columns do not repeat along it."""
        fixed: dict[str, Any] = {"model": choice.name}
        if self._job.prompts is not None:
            fixed["prompt"] = str(self._job.prompts[prompt].value)
        return grid.fixed(fixed)

    def _layers(self, choice: ModelChoice, overrides: list[Override]) -> Layers:
        alias = None if choice.alias is None else self._setting.spec.models[choice.alias]
        return (
            ("defaults", self._setting.spec.defaults),
            *(() if alias is None else (("alias", alias.params),)),
            ("job", self._job.params),
            *(("override", override.params) for override in overrides),
        )

    def _prompts(self) -> tuple[Text, ...]:
        if self._job.prompts is not None:
            return tuple(self._setting.spec.prompts[str(name.value)] for name in self._job.prompts)
        return () if self._job.prompt is None else (self._job.prompt,)

    def _outputs(
        self,
        paths: TextColumn | None,
        cell: Cell,
        labels: tuple[tuple[str, str], ...],
        choice: ModelChoice,
        recipe: Recipe,
        *,
        add_index: bool,
    ) -> tuple[str, ...] | Failed:
        count = recipe.params.get("n", 1)
        images = count if isinstance(count, int) else 1
        ext = extension(choice.schema.facts.media_type)
        outputs = []
        for index in range(1, images + 1):
            path = self._path(paths, cell, labels, recipe, ext, index)
            if isinstance(path, Failed):
                return path
            path = with_extension(path, ext)
            outputs.append(indexed(path, index) if images > 1 and add_index else path)
        try:
            return tuple(checked(path) for path in outputs)
        except PathProblemError as error:
            detail = f'"{outputs[0]}" cannot be an output path: {error}'
            return Failed((Diagnostic(summary="output path refused", detail=detail, span=self._output_span),))

    def _path(
        self,
        paths: TextColumn | None,
        cell: Cell,
        labels: tuple[tuple[str, str], ...],
        recipe: Recipe,
        ext: str,
        index: int,
    ) -> str | Failed:
        if paths is None:
            named = tuple(label for name, label in labels if name != "sample")
            sample = next((int(label) for name, label in labels if name == "sample"), None)
            return default_path(self._job.name, named, sample)
        key = None if recipe.key is None else recipe.key.removeprefix("sha256:")
        path = paths.at(cell, {"index": index, "key": key, "seed": recipe.seed, "ext": ext})
        return path if isinstance(path, Failed) else shortened(path)

    @property
    def _output_span(self) -> Span:
        return self._job.span if self._job.output is None else self._job.output.span

    def _count(self, node: Node | None, what: str) -> int | None:
        """Return `samples` or `revision`: a whole number from 1, perhaps from a template."""
        if node is None:
            return 1
        try:
            value = evaluate(self._setting.compiler.value(node), self._scope)
        except EvaluationError as error:
            self._faults.add(error.diagnostic)
            return None
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return value
        detail = f"{what} is a whole number from 1, not {value!r}"
        self._faults.add(Diagnostic(summary="wrong type", detail=detail, span=node.span))
        return None

    def _warn_of_idle_overrides(self, cells: list[Cell], overrides: list[dict[int, frozenset[int]] | None]) -> None:
        for override, wanted in zip(self._job.overrides, overrides, strict=True):
            if wanted is not None and cells and not any(hits(cell, wanted) for cell in cells):
                self._warn("override never applies", "it matches no cell", override.match.span)

    def _warn_of_idle_axes(
        self, axes: list[Axis], overrides: list[dict[int, frozenset[int]] | None], runs: int
    ) -> None:
        """Warn of an axis that no request depends on: its runs would all share one image."""
        if not self._makers or not runs:
            return
        used = {"prompt", "model", "sample"}
        for maker in self._makers.values():
            used.update(axes[position].name for position in maker.axes)
        for wanted in overrides:
            used.update(axes[position].name for position in wanted or ())
        for axis in axes:
            if axis.name not in used and axis.crossed > 1:
                detail = f"{axis.crossed} runs share one request along axis {axis.name}, on which no request depends"
                self._warn("idle axis", detail, axis.span, "use `samples` for several images of one request")

    def _warn(self, summary: str, detail: str, span: Span, hint: str = "") -> None:
        warning = Diagnostic(summary=summary, detail=detail, span=span, hint=hint, severity=Severity.WARNING)
        self._faults.add(warning)

"""One job to its runs."""

from collections.abc import Iterator
from typing import Any

import msgspec

from specrun.catalog.schema import ModelSchema
from specrun.diagnostics import Collector, Diagnostic, Severity, Span
from specrun.model.run import Run
from specrun.plan.axes import Axis, AxisReader, ModelChoice
from specrun.plan.bounds import describe
from specrun.plan.braces import single_braces
from specrun.plan.cells import CellReader, hits
from specrun.plan.columns import Cell
from specrun.plan.groups import Groups, Setting, layers, prompts
from specrun.plan.naming import Naming
from specrun.plan.outputs import OutputNamer
from specrun.plan.runs import RunMaker
from specrun.plan.takes import Layers, check_keys, check_names, check_values
from specrun.plan.template import EvaluationError, Scope, evaluate
from specrun.spec.nodes import Node, Scalar
from specrun.spec.spec import Job, Params
from specrun.spec.text import scalar_text


class JobRuns(msgspec.Struct, kw_only=True):
    """The runs of one job with their cells, and the axes that those index.

    `whole` is False where runs are missing because of a fault, which has then been said.
    """

    runs: list[Run] = msgspec.field(default_factory=list)
    cells: list[Cell] = msgspec.field(default_factory=list)
    axes: list[Axis] = msgspec.field(default_factory=list)
    whole: bool

    def values(self, cell: Cell) -> dict[str, Any]:
        """Return the value of each axis in a cell."""
        return {axis.name: axis.values[index] for axis, index in zip(self.axes, cell, strict=True)}


class JobExpander:
    """Expands one job; what is wrong goes to `faults`."""

    def __init__(self, setting: Setting, job: Job, faults: Collector) -> None:
        self._setting = setting
        self._job = job
        self._faults = faults
        self._scope: Scope = {**setting.scope, "job": job.name}

    def expand(self) -> JobRuns:
        """Return the job's runs in order; none where the job itself is faulty."""
        job, setting = self._job, self._setting
        reader = AxisReader(setting.spec, setting.catalog, setting.compiler, setting.origin, self._faults)
        models = reader.models(job, self._scope)
        axes = reader.axes(job, models, self._scope)
        given = [(each.schema, layers(setting.spec, job, each, ())) for each in models]
        samples, revision = self._count(job.samples, "samples"), self._count(job.revision, "revision")
        made, groups = JobRuns(whole=False), None
        if models and axes is not None and samples is not None and revision is not None:
            made, groups = self._crossed(models, axes, samples, revision)
        check_keys(job, [each.schema for each in models], setting.catalog, self._faults)
        check_names([*given, *self._given_to_some(models, groups)], setting.catalog, self._faults)
        if groups is None or not groups.made:
            check_values(given, setting.compiler, self._scope, self._faults)
        return made

    def _given_to_some(
        self, models: tuple[ModelChoice, ...], groups: Groups | None
    ) -> Iterator[tuple[ModelSchema, Layers]]:
        """Yield what overrides give to the models of the cells they match, and what idle ones could give to none."""
        matching = set() if groups is None else {number for _, _, numbers in groups.made for number in numbers}
        if groups is not None:
            yield from groups.given
        for number, override in enumerate(self._job.overrides):
            entries = override.params.entries
            unknown = {name for name in entries if not any(name in each.schema.properties for each in models)}
            if number not in matching:
                idle = Params(entries={name: entry for name, entry in entries.items() if name in unknown})
                yield from ((each.schema, (idle,)) for each in models)

    def _crossed(
        self, models: tuple[ModelChoice, ...], axes: list[Axis], samples: int, revision: int
    ) -> tuple[JobRuns, Groups]:
        """Return the runs of all cells, and the groups that they fall into."""
        job, setting = self._job, self._setting
        if job.samples is not None:
            numbers = list(range(1, samples + 1))
            axes.append(Axis("sample", job.samples.span, list(numbers), [str(number) for number in numbers]))
        reading = CellReader(job, axes, self._scope, setting.compiler, self._faults)
        cells = reading.cells(setting.spec.max_runs)
        overrides = reading.overridden(job.overrides)
        groups = Groups(setting, job, models, axes, overrides, revision, self._faults)
        runs, sound = self._maker(axes, groups).make(cells, self._faults)
        self._warn_of_idle_overrides(cells, overrides)
        whole = reading.whole and len(runs) == len(cells)
        written = self._warn_of_single_braces(axes)
        if whole:  # what a faulty template reads, nobody knows
            self._warn_of_idle_axes(axes, overrides, groups, told=written)
        return JobRuns(runs=runs, cells=sound, axes=axes, whole=whole), groups

    def _maker(self, axes: list[Axis], groups: Groups) -> RunMaker:
        job = self._job
        template = None if job.output is None else self._setting.compiler.text(job.output)
        span, most = job.span if job.output is None else job.output.span, self._setting.spec.max_runs
        namer = OutputNamer(job.name, template, span, groups.grid, most)
        return RunMaker(Naming(job.name, axes, sampled=job.samples is not None), groups, namer)

    def _count(self, node: Node | None, what: str) -> int | None:
        """Return `samples` or `revision`: a whole number from 1, perhaps from a template; None after saying why not."""
        if node is None:
            return 1
        try:
            value = evaluate(self._setting.compiler.value(node), self._scope)
        except EvaluationError as error:
            self._faults.extend(error.explained(self._scope))
            return None
        summary, hint, most = "wrong type", "", self._setting.spec.max_runs
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            if what == "revision" or value <= most:
                return value
            summary, hint = "too many runs", "lower it, or raise `max_runs` in the spec"
            detail = f"job {self._job.name} has {value:,} samples, more than max_runs, {most:,}"
        else:
            shown = value if isinstance(value, (int, float)) else describe(value)
            detail = f"{what} is a whole number from 1, not {shown}"
        self._faults.add(Diagnostic(summary=summary, detail=detail, span=node.span, hint=hint))
        return None

    def _warn_of_idle_overrides(self, cells: list[Cell], overrides: list[dict[int, frozenset[int]] | None]) -> None:
        for override, wanted in zip(self._job.overrides, overrides, strict=True):
            if wanted is not None and cells and not any(hits(cell, wanted) for cell in cells):
                self._warn("override never applies", "it matches no cell", override.match.span)

    def _warn_of_single_braces(self, axes: list[Axis]) -> set[str]:
        """Warn of names that are written as if another language's; return those of axes."""
        spec, job = self._setting.spec, self._job
        names = {axis.name for axis in axes} | {f"vars.{name}" for name in spec.vars}
        nodes = [node for params in (spec.defaults, job.params) for _, node in params.entries.values()]
        texts = [scalar_text(node) for node in nodes if isinstance(node, Scalar)]
        found = list(single_braces([*filter(None, (*prompts(spec, job), job.output)), *texts], names))
        self._faults.extend(warning for _, warning in found)
        return {name for name, _ in found}

    def _warn_of_idle_axes(
        self,
        axes: list[Axis],
        overrides: list[dict[int, frozenset[int]] | None],
        groups: Groups,
        *,
        told: set[str],
    ) -> None:
        """Warn of an axis that no request depends on, unless told: its runs would all share one image."""
        if not groups.made:
            return
        used = {"prompt", "model", "sample", *told}
        for group in groups.made.values():
            used.update(axes[position].name for position in group.maker.axes)
        for wanted in overrides:
            used.update(axes[position].name for position in wanted or ())
        for axis in axes:
            if axis.name not in used and axis.crossed > 1:
                detail = f"{axis.crossed} runs share one request along axis {axis.name}, on which no request depends"
                write = f"write {{{{ {axis.name} }}}} where it belongs"
                self._warn(
                    "idle axis", detail, axis.span, f"{write}, or use `samples` for several images of one request"
                )

    def _warn(self, summary: str, detail: str, span: Span, hint: str = "") -> None:
        warning = Diagnostic(summary=summary, detail=detail, span=span, hint=hint, severity=Severity.WARNING)
        self._faults.add(warning)

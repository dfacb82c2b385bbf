"""A spec to its runs: jobs in the order of their chains, every address and path once."""

from collections.abc import Callable, Mapping
from typing import Any

from specrun.diagnostics import Collector, Diagnostic, InvalidInputError, Span
from specrun.model.inputs import OutputImage
from specrun.model.output_path import folded
from specrun.model.run import Run
from specrun.plan.axes import same
from specrun.plan.groups import Setting
from specrun.plan.job import JobExpander, JobRuns
from specrun.plan.template import FunctionError
from specrun.spec.spec import Spec


class Expander:
    """Expands jobs as they are asked for, so that a job comes before those that use its outputs."""

    def __init__(self, spec: Spec, faults: Collector) -> None:
        self._spec = spec
        self._faults = faults
        self._setting: Setting | None = None
        self._done: dict[str, JobRuns] = {}
        self._open: list[str] = []

    def expand(self, setting: Setting) -> tuple[Run, ...]:
        """Return all runs in plan order."""
        self._setting = setting
        for name in self._spec.jobs:
            self._job(name)
        runs = tuple(run for made in self._done.values() for run in made.runs)
        self._refuse_twins(runs, "two runs with one address", lambda run: (run.address,), str)
        self._refuse_twins(runs, "two outputs with one path", lambda run: run.outputs, folded)
        return runs

    def outputs(self, job: Any, axes: Mapping[str, Any]) -> list[OutputImage]:
        """Return the images of another job whose axes have the given values; raise `FunctionError`."""
        if not isinstance(job, str) or job not in self._spec.jobs:
            hint = f"the jobs are {', '.join(self._spec.jobs)}"
            raise FunctionError(f"outputs({job!r}): there is no such job", "outputs", hint)
        if job in self._open:
            circle = " -> ".join([*self._open[self._open.index(job) :], job])
            raise FunctionError(f"jobs use each other's outputs in a circle: {circle}", "outputs", "break the circle")
        made = self._job(job)
        known = [axis.name for axis in made.axes]
        for name in axes:
            if name not in known:
                hint = f"its axes: {', '.join(known) or 'none'}"
                raise FunctionError(f"job {job} has no axis {name}", "outputs", hint)
        found: list[OutputImage] = []
        for run, cell in zip(made.runs, made.cells, strict=True):
            values = made.values(cell)
            if all(same(wanted, values[name], dict(run.axes)[name]) for name, wanted in axes.items()):
                found.extend(
                    OutputImage(address=run.address, key=run.key, index=index, axes=values)
                    for index in range(1, run.images + 1)
                )
        return found

    def _job(self, name: str) -> JobRuns:
        if name not in self._done and self._setting is not None:
            self._open.append(name)
            try:
                made = JobExpander(self._setting, self._spec.jobs[name], self._faults).expand()
            except InvalidInputError as error:  # a template that does not compile
                self._faults.extend(error.diagnostics)
                made = JobRuns([], [], [])
            finally:
                self._open.pop()
            self._done[name] = made
        return self._done.get(name, JobRuns([], [], []))

    def _refuse_twins(
        self, runs: tuple[Run, ...], summary: str, names: Callable[[Run], tuple[str, ...]], fold: Callable[[str], str]
    ) -> None:
        seen: dict[str, tuple[Run, str]] = {}
        said: set[str] = set()
        for run in runs:
            for name in names(run):
                first, first_name = seen.setdefault(fold(name), (run, name))
                if (first is run and first_name == name) or run.job in said:
                    continue
                said.add(run.job)
                self._twins(summary, name, first, run)

    def _twins(self, summary: str, name: str, first: Run, second: Run) -> None:
        job = self._spec.jobs[second.job]
        span: Span = second.span if job.output is None else job.output.span
        detail = f'"{name}" is wanted by {first.address} and by {second.address}'
        if first.address == second.address:
            detail = f"{first.address} stands twice"
        hint = "give the job an `output` template that tells them apart" if "path" in summary else "remove one"
        self._faults.add(Diagnostic(summary=summary, detail=detail, span=span, hint=hint))

"""A spec to its runs: jobs in the order of their chains."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from specrun.diagnostics import Collector, did_you_mean
from specrun.model.inputs import OutputImage
from specrun.model.run import Run
from specrun.plan.bounds import describe
from specrun.plan.groups import Setting
from specrun.plan.job import JobExpander, JobRuns
from specrun.plan.precompile import needs
from specrun.plan.template import EvaluationError, FunctionError
from specrun.plan.twins import refuse_twins
from specrun.plan.unused import check_unused_models
from specrun.plan.upstream import Upstream
from specrun.spec.spec import Spec


class Expander:
    """Expands jobs as they are asked for, so that a job comes before those that use its outputs."""

    def __init__(self, spec: Spec, faults: Collector) -> None:
        self._spec = spec
        self._faults = faults
        self._setting: Setting | None = None
        self._done: dict[str, JobRuns] = {}
        self._upstream: dict[str, Upstream] = {}
        self._open: list[str] = []

    def expand(self, setting: Setting) -> tuple[Run, ...]:
        """Return all runs in plan order."""
        self._setting = setting
        for name in _in_order(
            {name: needs(self._spec, job, setting.compiler) for name, job in self._spec.jobs.items()}
        ):
            self._job(name)
        check_unused_models(setting, self._faults)
        runs = tuple(run for made in self._done.values() for run in made.runs)
        refuse_twins(runs, self._spec.jobs, self._faults)
        return runs

    def outputs(self, job: Any, axes: Mapping[str, Any]) -> list[OutputImage]:
        """Return the images of another job whose axes have the given values.

        Raises `FunctionError`, or `EvaluationError` without another word where the other job is faulty itself.
        """
        if not isinstance(job, str):
            detail = f"the outputs asked for are those of a job, by its name; here it is {describe(job)}"
            raise FunctionError(detail, "outputs", "as in outputs('shots')")
        if job not in self._spec.jobs:
            hint = did_you_mean(job, self._spec.jobs) or f"the jobs are {', '.join(self._spec.jobs)}"
            raise FunctionError(f'no job is called "{job}"', job, hint)
        if job in self._open:
            circle = " -> ".join([*self._open[self._open.index(job) :], job])
            raise FunctionError(f"jobs use each other's outputs in a circle: {circle}", job, "break the circle")
        made = self._job(job)
        if not made.whole:
            raise EvaluationError
        if job not in self._upstream:
            self._upstream[job] = Upstream(job, made)
        return self._upstream[job].outputs(axes)

    def _job(self, name: str) -> JobRuns:
        if name not in self._done and self._setting is not None:
            faults = Collector()
            self._open.append(name)
            made = JobExpander(self._setting, self._spec.jobs[name], faults).expand()
            self._open.pop()
            made.whole = made.whole and not faults.failed
            self._faults.extend(faults.sorted())
            self._done[name] = made
        return self._done[name]


def _in_order(needs: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Yield jobs after those they need, else as written; a circle is left to whoever follows it."""
    seen: set[str] = set()
    for name in needs:
        waiting = [name]
        while waiting:
            job = waiting[-1]
            seen.add(job)
            ahead = next((need for need in needs[job] if need in needs and need not in seen), None)
            if ahead is None:
                waiting.pop()
                yield job
            else:
                waiting.append(ahead)

"""Every template of a spec compiled ahead, so that all that do not compile are named at once."""

from collections.abc import Iterator

from specrun.plan.compile import Compiler
from specrun.spec.nodes import Node
from specrun.spec.spec import Job, Spec
from specrun.spec.text import Text


def precompile(spec: Spec, compiler: Compiler) -> None:
    """Compile a spec's templates, those too that no run will come to."""
    for text in _texts(spec):
        compiler.text(text)
    for node in _values(spec):
        compiler.value(node)


def _texts(spec: Spec) -> Iterator[Text]:
    yield from spec.prompts.values()
    for alias in spec.models.values():
        yield alias.model
    for job in spec.jobs.values():
        yield from job.models or ()
        yield from (text for text in (job.prompt, job.model, job.output) if text is not None)
        yield from (axis.label for axis in job.axes if axis.label is not None)


def _values(spec: Spec) -> Iterator[Node]:
    layers = [spec.defaults, *(alias.params for alias in spec.models.values())]
    for job in spec.jobs.values():
        layers += [job.params, *(override.params for override in job.overrides)]
        yield from _of_job(job)
    for params in layers:
        yield from (node for _, node in params.entries.values())


def _of_job(job: Job) -> Iterator[Node]:
    yield from (axis.values for axis in job.axes)
    for match in (*job.exclude, *job.include, *(override.match for override in job.overrides)):
        yield from (node for _, node in match.entries.values())
    yield from (node for node in (job.where, job.samples, job.revision) if node is not None)

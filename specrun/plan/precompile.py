"""The templates of a spec, all compiled ahead, so that those that do not compile are named at once."""

from collections.abc import Iterator

from specrun.plan.compile import Compiler
from specrun.plan.template import needs_in
from specrun.spec.nodes import Node
from specrun.spec.spec import Job, Params, Spec
from specrun.spec.text import Text


def precompile(spec: Spec, compiler: Compiler) -> None:
    """Compile a spec's templates, those too that no run will come to."""
    for text in spec.prompts.values():
        compiler.text(text)
    for alias in spec.models.values():
        if alias is not None:
            compiler.text(alias.model)
            _compile_all(alias.params, compiler)
    _compile_all(spec.defaults, compiler)
    for job in spec.jobs.values():
        needs(spec, job, compiler)


def needs(spec: Spec, job: Job, compiler: Compiler) -> frozenset[str]:
    """Return the jobs whose outputs a job's templates name in so many words."""
    named = [spec.prompts.get(str(name.value)) for name in job.prompts or ()]
    texts = [compiler.text(text) for text in (*_texts(job), *named) if text is not None]
    values = [compiler.value(node) for node in (*_values(job), *_params(spec.defaults))]
    aliases = [alias for alias in spec.models.values() if alias is not None and alias.name in _models(job)]
    values += [compiler.value(node) for alias in aliases for node in _params(alias.params)]
    return frozenset().union(*(needs_in(value) for value in (*texts, *values)))


def _compile_all(params: Params, compiler: Compiler) -> None:
    for node in _params(params):
        compiler.value(node)


def _params(params: Params) -> Iterator[Node]:
    return (node for _, node in params.entries.values())


def _models(job: Job) -> set[str]:
    return {text.text for text in (job.model, *(job.models or ())) if text is not None}


def _texts(job: Job) -> Iterator[Text]:
    yield from job.models or ()
    yield from (text for text in (job.prompt, job.model, job.output) if text is not None)
    yield from (axis.label for axis in job.axes if axis.label is not None)


def _values(job: Job) -> Iterator[Node]:
    yield from (axis.values for axis in job.axes if axis.values is not None)
    for match in (*job.exclude, *job.include, *(override.match for override in job.overrides)):
        yield from (node for _, node in match.entries.values())
    yield from (node for node in (job.where, job.samples, job.revision) if node is not None)
    for params in (job.params, *(override.params for override in job.overrides)):
        yield from _params(params)

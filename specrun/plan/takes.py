"""Whether models take the params that a spec gives them: by name, and by value where no run comes to them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from specrun.catalog.models import Catalog
from specrun.catalog.names import missing_parameter, unknown_parameter
from specrun.catalog.schema import ModelSchema
from specrun.diagnostics import Collector, Diagnostic, Span, did_you_mean
from specrun.plan.compile import Compiler
from specrun.plan.faults import CellFaults
from specrun.plan.params import resolve_param
from specrun.plan.pins import Pins
from specrun.plan.template import EvaluationError, Scope, names_in
from specrun.spec.job import JOB_FIELDS
from specrun.spec.nodes import Node, Scalar
from specrun.spec.spec import Job, Params

Layers: TypeAlias = tuple[Params, ...]

_LISTED = 4
# A param that stands in the wrong place and is misspelt as well.
_SURELY = 0.8


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter as the winning layer writes it."""

    name: str
    key: Scalar
    node: Node


def merge(layers: Layers) -> dict[str, Written]:
    """Return the winning entry of each parameter; later layers win."""
    merged: dict[str, Written] = {}
    for params in layers:
        for name, (key, node) in params.entries.items():
            merged[name] = Written(name=name, key=key, node=node)
    return merged


def check_names(given: Iterable[tuple[ModelSchema, Layers]], catalog: Catalog, faults: Collector) -> None:
    """Report each parameter that models of a job do not take, with the nearest name and the models that do."""
    refusing: dict[Scalar, list[ModelSchema]] = {}
    taking: set[str] = set()
    for model, layers in given:
        for key, _ in (entry for params in layers for entry in params.entries.values()):
            if str(key.value) in model.properties:
                taking.add(str(key.value))
            elif model.closed:
                refusing.setdefault(key, []).append(model)
    for key, models in refusing.items():
        faults.add(_unknown(key, models, catalog, here=str(key.value) in taking))


def _unknown(key: Scalar, models: Sequence[ModelSchema], catalog: Catalog, *, here: bool) -> Diagnostic:
    """Word a param that some models do not take; `here` says that another of the same job does."""
    name = str(key.value)
    fault = unknown_parameter(models[0], name)
    ids = list(dict.fromkeys(model.id for model in models))
    detail = fault.detail if len(ids) == 1 else f"{', '.join(ids[:-1])} and {ids[-1]} have no parameter {name}"
    hint, taking = fault.hint, catalog.taking(name)
    if here:
        hint = f"give {name} to the models that take it, under their aliases: {{id: …, params: {{{name}: …}}}}"
    elif taking:
        more = f" and {len(taking) - _LISTED} more" if len(taking) > _LISTED else ""
        near = did_you_mean(name, models[0].properties)
        hint = " ".join(filter(None, (near, f"{name} is taken by {', '.join(taking[:_LISTED])}{more}")))
    return Diagnostic(summary=fault.summary, detail=detail, span=key.span, hint=hint)


def check_keys(job: Job, models: Sequence[ModelSchema], catalog: Catalog, faults: Collector) -> None:
    """Report the keys that no job has; what a model takes stands under `params`."""
    for key, fix in job.strange:
        name = str(key.value)
        taking = [model.id for model in models if name in model.properties]
        others = catalog.taking(name)
        if fix:
            hint = fix
        elif taking:
            hint = f"it is a param, which {taking[0]} takes: put it under `params`"
        elif others:
            hint = f"it is a param, which stands under `params`; {', '.join(others[:_LISTED])} would take it"
        else:
            params = [name for model in models for name in model.properties]
            hint = did_you_mean(name, JOB_FIELDS)
            if not hint and (near := did_you_mean(name, params, cutoff=_SURELY)):
                hint = f"{near} It is a param, and stands under `params`"
            hint = hint or f"known here: {', '.join(sorted(JOB_FIELDS))}"
        detail = f'job {job.name} has no "{name}"'
        faults.add(Diagnostic(summary="unknown key", detail=detail, span=key.span, hint=hint))


def check_required(written: Mapping[str, Written], model: ModelSchema, span: Span, faults: Collector) -> None:
    """Report each parameter that the model needs and nothing gives."""
    for name in model.required:
        if name not in written and name != "prompt" and name not in model.defaults:
            fault = missing_parameter(model, name)
            faults.add(
                Diagnostic(summary=fault.summary, detail=fault.detail, span=span, hint=f"{fault.hint} to its params")
            )


def check_values(
    given: Iterable[tuple[ModelSchema, Layers]], compiler: Compiler, scope: Scope, faults: Collector
) -> None:
    """Check the values of a job that comes to no run, as far as they can be known without one."""
    found = CellFaults()
    for model, layers in given:
        for name, written in merge(layers).items():
            value = compiler.value(written.node)
            if name not in model.properties or not names_in(value) <= scope.keys():
                continue
            try:
                resolve_param(value, name, model, scope, Pins(None))
            except EvaluationError as error:
                found.add(error.explained(scope))
    found.report(faults)

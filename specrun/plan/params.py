"""Parameters: which layer says what, what a model takes, and each value checked once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from specrun.canonical import NotCanonicalError, canonical
from specrun.catalog.accept import accepts
from specrun.catalog.fault import Fault
from specrun.catalog.models import Catalog
from specrun.catalog.schema import ModelSchema
from specrun.diagnostics import Collector, Diagnostic, Span, nearest
from specrun.model.inputs import FileImage, OutputImage, Param, UrlImage, recipe_param
from specrun.model.run import images_in
from specrun.plan.template import (
    Constant,
    EvaluationError,
    ListOf,
    MappingOf,
    Scope,
    Value,
    evaluate,
)
from specrun.spec.nodes import Node, Scalar
from specrun.spec.spec import Params

# What never counts for a key: how the image comes back, not what it shows.
TRANSPORT = "response_format"

Layers: TypeAlias = tuple[tuple[str, Params], ...]

_PATH_LIKE = re.compile(r"[^\s{}]+\.(png|jpe?g|webp|gif|bmp|tiff?|avif)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Resolved:
    """One parameter's value in one cell, and its canonical text in keys (None while an input is unknown)."""

    value: Param
    text: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """One parameter as the winning layer writes it."""

    name: str
    key: Scalar
    node: Node


def merge(layers: Layers) -> dict[str, Written]:
    """Return the winning entry of each parameter; later layers win."""
    merged: dict[str, Written] = {}
    for _, params in layers:
        for name, (key, node) in params.entries.items():
            merged[name] = Written(name=name, key=key, node=node)
    return merged


def check_known(layers: Layers, model: ModelSchema, catalog: Catalog, faults: Collector) -> None:
    """Report each parameter that the model does not take, with the nearest name and the models that do."""
    if not model.closed:
        return
    for _, params in layers:
        for name, (key, _) in params.entries.items():
            if name in model.properties:
                continue
            near = nearest(name, model.properties)
            taking = catalog.taking(name)
            hint = f'did you mean "{near[0]}"?' if near else ""
            if taking:
                shown = ", ".join(taking[:4]) + (f" and {len(taking) - 4} more" if len(taking) > 4 else "")  # noqa: PLR2004 - a line's worth
                hint = (hint + " " if hint else "") + f"taken by {shown}; a param of one model stands under its alias"
            detail = f"{model.id} takes no {name}"
            hint = hint or f"it takes {', '.join(model.properties)}"
            faults.add(Diagnostic(summary="unknown parameter", detail=detail, span=key.span, hint=hint))


def check_required(written: Mapping[str, Written], model: ModelSchema, span: Span, faults: Collector) -> None:
    """Report each parameter that the model needs and nothing gives."""
    for name in model.required:
        if name not in written and name != "prompt" and name not in model.defaults:
            example = "\"{{ file('photo.png') }}\""
            shown = f"add params: {{{name}: {example}}}" if name in model.inputs else "add it under the job's params"
            detail = f"{model.id} needs {name}"
            faults.add(Diagnostic(summary="missing parameter", detail=detail, span=span, hint=shown))


def resolve_param(value: Value, name: str, model: ModelSchema, scope: Scope, pinned: Mapping[str, str]) -> Resolved:
    """Evaluate and check one parameter; raise `EvaluationError`, `FailedParam` with what is wrong."""
    result = evaluate(value, scope)
    if name in model.inputs:
        result = _as_images(result, value, pinned)
    return check_param(result, name, model, value)


def check_param(result: Any, name: str, model: ModelSchema, value: Value) -> Resolved:
    """Check a value against the model's schema; raise `EvaluationError` with the first fault."""
    try:
        text = canonical(recipe_param(result))
    except NotCanonicalError as error:
        detail = f"{name}: {error}"
        raise EvaluationError(Diagnostic(summary="unusable value", detail=detail, span=value.span)) from None
    if not accepts(model, name, result):
        # The library that words faults takes 200 ms to import, which a sound spec need not pay.
        from specrun.catalog.validate import property_faults  # noqa: PLC0415

        for fault in property_faults(model, name, result):
            raise EvaluationError(fault_diagnostic(fault, value))
    unknown = any(image.recipe() is None for image in images_in(result))
    return Resolved(normalised(result), None if unknown else text)


def normalised(value: Any) -> Any:
    """Return JSON with whole floats as integers, so that what is sent is what the key says."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, list):
        return [normalised(item) for item in value]
    if isinstance(value, dict):
        return {key: normalised(item) for key, item in value.items()}
    return value


def fault_diagnostic(fault: Fault, value: Value) -> Diagnostic:
    """Word a schema's fault at the place of the value, or of the part of it that is wrong."""
    span = _place(value, fault.path[1:])
    return Diagnostic(summary=fault.summary, detail=fault.detail, span=span, hint=fault.hint)


def _place(value: Value, path: tuple[str | int, ...]) -> Span:
    for step in path:
        if isinstance(value, ListOf) and isinstance(step, int):
            value = value.items[step]
        elif isinstance(value, MappingOf):
            value = dict(value.items).get(str(step), value)
    return value.span


def _as_images(result: Any, value: Value, pinned: Mapping[str, str]) -> Any:
    """Turn https URLs into input images; refuse texts that only look like images."""
    if isinstance(result, (list, tuple)):
        return tuple(_as_image(item, value, pinned) for item in result)
    return _as_image(result, value, pinned)


def _as_image(item: Any, value: Value, pinned: Mapping[str, str]) -> Any:
    if isinstance(item, (FileImage, UrlImage, OutputImage)) or not isinstance(item, str):
        return item
    if item.startswith(("https://", "http://")):
        return UrlImage(url=item, digest=pinned.get(item))
    if _PATH_LIKE.fullmatch(item):
        hint = (
            f"wrap it: \"{{{{ file('{item}') }}}}\"" if isinstance(value, (Constant, ListOf)) else "wrap it in file(…)"
        )
        detail = f'"{item}" looks like a path, but is only a text'
        raise EvaluationError(Diagnostic(summary="not an image", detail=detail, span=value.span, hint=hint))
    hint = "use file('photo.png'), glob('photos/*.png'), output('job', …) or an https URL"
    detail = f'"{item[:60]}" is a text where an image belongs'
    raise EvaluationError(Diagnostic(summary="not an image", detail=detail, span=value.span, hint=hint))

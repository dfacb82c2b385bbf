"""Parameters: evaluated, and each value checked once against the model's schema."""

import re
from typing import Any

import msgspec

from specrun.canonical import canonical
from specrun.catalog.accept import accepts
from specrun.catalog.fault import Fault
from specrun.catalog.schema import ModelSchema
from specrun.diagnostics import Diagnostic, Span
from specrun.model.inputs import FileImage, OutputImage, Param, UrlImage, recipe_param
from specrun.model.project import Provider
from specrun.model.run import images_in
from specrun.plan.pins import Pins
from specrun.plan.template import (
    Constant,
    EvaluationError,
    ListOf,
    MappingOf,
    Scope,
    Value,
    evaluate,
)
from specrun.spec.nodes import Mapping as MappingNode
from specrun.spec.nodes import Node, Sequence
from specrun.urls import plain_allowed, url_fault

# What never counts for a key: how the image comes back, not what it shows.
TRANSPORT = "response_format"

_PATH_LIKE = re.compile(r"[^\s{}]+\.(png|jpe?g|webp|gif|bmp|tiff?|avif)", re.IGNORECASE)


class Resolved(msgspec.Struct, frozen=True, gc=False):
    """One parameter's value in one cell, and its canonical text in keys (None while an input is unknown)."""

    value: Param
    text: str | None


def resolve_param(value: Value, name: str, model: ModelSchema, scope: Scope, pins: Pins) -> Resolved:
    """Evaluate and check one parameter; raise `EvaluationError` with what is wrong."""
    result = evaluate(value, scope)
    if name in model.inputs:
        result = _as_images(result, value, pins)
    return check_param(result, name, model, value)


def check_param(result: Any, name: str, model: ModelSchema, value: Value) -> Resolved:
    """Check a value against the model's schema; raise `EvaluationError` with the first fault."""
    text = canonical(recipe_param(result))
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
    """Return where a part of a value is written, or the nearest that can be told."""
    for step in path:
        if isinstance(value, Constant) and value.node is not None:
            return _place_in(value.node, step)
        if isinstance(value, ListOf) and isinstance(step, int):
            value = value.items[step]
        elif isinstance(value, MappingOf):
            value = dict(value.items).get(str(step), value)
    return value.span


def _place_in(node: Node, step: str | int) -> Span:
    match node, step:
        case Sequence(items=items), int() if step < len(items):
            return items[step].span
        case MappingNode(entries=entries), str() if step in entries:
            return entries[step][1].span
        case _:
            return node.span


def _as_images(result: Any, value: Value, pins: Pins) -> Any:
    """Turn https URLs into input images; refuse texts that only look like images, all of them at once."""
    if not isinstance(result, (list, tuple)):
        return _as_image(result, value.span, value, pins)
    images: list[Any] = []
    faults: list[Diagnostic] = []
    for number, item in enumerate(result):
        try:
            images.append(_as_image(item, _place(value, (number,)), value, pins))
        except EvaluationError as error:
            faults += error.explained(())
    if faults:
        raise EvaluationError(*faults)
    return tuple(images)


def _as_image(item: Any, span: Span, value: Value, pins: Pins) -> Any:
    if isinstance(item, (FileImage, UrlImage, OutputImage)) or not isinstance(item, str):
        return item
    if item.startswith(("https://", "http://")):
        fault = _url_fault(item, pins.provider)
        if fault is not None:
            raise EvaluationError(Diagnostic(summary="unusable URL", detail=fault[0], span=span, hint=fault[1]))
        return UrlImage(url=item, digest=pins.urls.get(item))
    if _PATH_LIKE.fullmatch(item):
        hint = (
            f"wrap it: \"{{{{ file('{item}') }}}}\"" if isinstance(value, (Constant, ListOf)) else "wrap it in file(…)"
        )
        detail = f'"{item}" looks like a path, but is only a text'
        raise EvaluationError(Diagnostic(summary="not an image", detail=detail, span=span, hint=hint))
    hint = "use file('photo.png'), glob('photos/*.png'), output('job', …) or an https URL"
    detail = f'"{item[:60]}" is a text where an image belongs'
    raise EvaluationError(Diagnostic(summary="not an image", detail=detail, span=span, hint=hint))


def _url_fault(url: str, provider: Provider | None) -> tuple[str, str] | None:
    """Return what is wrong with the URL of an input image, and the fix."""
    # What stands before an @ may be a password.
    shown = "the URL" if "@" in url else f'"{url[:60]}"'
    fault = url_fault(url)
    if fault:
        return f"{shown} leads nowhere: {fault}", "as in https://example.com/photo.png"
    if provider is None or plain_allowed(url, provider.base_url, allow_private=provider.allow_private):
        return None
    detail = f"{shown} is to be asked over http, where anyone on the way can change the image"
    return detail, "use https://, or save it in the project and use file(…)"

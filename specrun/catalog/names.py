"""Parameters that a model does not know, or that a request lacks; told from their names alone."""

from collections.abc import Collection, Sequence

from specrun.catalog.fault import Fault, Kind
from specrun.catalog.models import Catalog
from specrun.catalog.schema import ModelSchema
from specrun.diagnostics import did_you_mean

_LISTED = 4


def name_faults(model: ModelSchema, names: Collection[str], catalog: Catalog | None = None) -> tuple[Fault, ...]:
    """Return a fault for each name that `model` does not know and each required one that is absent.

    With a catalogue the hint names the models that do take an unknown parameter.
    """
    unknown = [name for name in names if model.closed and name not in model.properties and name != "model"]
    missing = [name for name in model.required if name not in names]
    return (
        *(unknown_parameter(model, name, catalog.taking(name) if catalog else ()) for name in unknown),
        *(missing_parameter(model, name) for name in missing),
    )


def unknown_parameter(model: ModelSchema, name: str, taking: Sequence[str] = ()) -> Fault:
    """Return the fault of a parameter that `model` does not know, while the models `taking` do."""
    hints = [did_you_mean(name, model.properties), _takers(name, taking)]
    return Fault(
        path=(name,),
        kind=Kind.UNKNOWN,
        detail=f"{model.id} has no parameter {name}",
        hint="; ".join(filter(None, hints)) or f"its parameters are {', '.join(model.properties)}",
    )


def missing_parameter(model: ModelSchema, name: str) -> Fault:
    """Return the fault of a required parameter that is absent."""
    example = "…"
    if name in model.inputs:
        image = "\"{{ file('photo.png') }}\""
        example = f"[{image}]" if model.properties[name].get("type") == "array" else image
    return Fault(
        path=(name,),
        kind=Kind.MISSING,
        detail=f"{model.id} requires {name}",
        hint=f"add {name}: {example}",
    )


def _takers(name: str, models: Sequence[str]) -> str:
    if not models:
        return ""
    more = f" and {len(models) - _LISTED} more" if len(models) > _LISTED else ""
    return f"{name} is taken by {', '.join(models[:_LISTED])}{more}"

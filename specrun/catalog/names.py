"""Parameters that a model does not know, and those that a request lacks."""

from specrun.catalog.fault import Fault, Kind
from specrun.catalog.schema import ModelSchema
from specrun.diagnostics import did_you_mean


def unknown_parameter(model: ModelSchema, name: str) -> Fault:
    """Return the fault of a parameter that `model` does not know."""
    return Fault(
        path=(name,),
        kind=Kind.UNKNOWN,
        detail=f"{model.id} has no parameter {name}",
        hint=did_you_mean(name, model.properties) or f"its parameters are {', '.join(model.properties)}",
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

"""`GET /v1/models`: the catalogue, for clients."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from specrun.catalog.models import Catalog
from specrun.catalog.schema import ModelSchema
from specrun.server.errors import ApiError


def model_list(catalog: Catalog) -> dict[str, Any]:
    """Return all models, in the order of their ids."""
    return {"object": "list", "data": [_entry(model) for model in catalog.models.values()]}


def model_entry(catalog: Catalog, name: str) -> dict[str, Any]:
    """Return one model with the JSON Schema of its requests; raises `ApiError` 404 where there is none."""
    model = catalog.find(name)
    if model is None:
        near = catalog.nearest(name, limit=1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise ApiError(f'no model is called "{name[:120]}"{hint}', status=HTTPStatus.NOT_FOUND, code="model_not_found")
    return _entry(model) | {"schema": model.schema}


def _entry(model: ModelSchema) -> dict[str, Any]:
    price = model.facts.price
    return {
        "id": model.id,
        "object": "model",
        "created": _created(model),
        "owned_by": model.id.partition("/")[0],
        "title": model.title,
        "description": model.description,
        "modes": list(model.facts.modes),
        "inputs": list(model.inputs),
        "price": None if price is None else {"amount": str(price.amount), "currency": price.currency},
    }


def _created(model: ModelSchema) -> int:
    """Return when the model's document was written, in seconds since 1970; 0 where its schema does not say."""
    if model.facts.source is None:
        return 0
    year, month, *day = map(int, model.facts.source.date.split("-"))
    return int(datetime(year, month, day[0] if day else 1, tzinfo=UTC).timestamp())

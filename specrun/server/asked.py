"""What a body asks for: its model found, its parameters checked."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from PIL import Image

from specrun.catalog.fault import Fault, Kind
from specrun.catalog.models import Catalog
from specrun.catalog.schema import ModelSchema
from specrun.catalog.validate import faults
from specrun.server.engine import ImageRequest
from specrun.server.errors import ApiError

_LARGEST_SEED = 2**31 - 1
_OF_THE_REPLY = "response_format"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A body that its model takes; parameters by their names in the schema."""

    model: ModelSchema
    body: Mapping[str, Any]

    @property
    def as_url(self) -> bool:
        """Whether images are wanted as URLs, not as base64."""
        return bool(self.body.get(_OF_THE_REPLY, self.model.defaults.get(_OF_THE_REPLY, "url")) != "b64_json")

    def request(self, inputs: Sequence[Image.Image]) -> ImageRequest:
        """Return what the engine is asked: defaults filled in, a seed chosen where the request leaves it open."""
        left_out = {"model", _OF_THE_REPLY, *self.model.inputs}
        params = {
            name: _plain(value) for name, value in {**self.model.defaults, **self.body}.items() if name not in left_out
        }
        if self.model.has_seed and params.get("seed", -1) == -1:
            params["seed"] = secrets.randbelow(_LARGEST_SEED + 1)
        return ImageRequest(model=self.model.id, params=params, inputs=tuple(inputs))


def read_asked(catalog: Catalog, body: Mapping[str, Any]) -> Asked:
    """Find the model and hold the body to its schema; raises `ApiError` with all that is wrong."""
    model = _model(catalog, body)
    names = {wire: name for name, wire in model.facts.wire.items()}
    asked = Asked(model=model, body={names.get(name, name): value for name, value in body.items()})
    found = faults(model, {**asked.body, "model": model.id})
    if found:
        raise ApiError("; ".join(_worded(fault) for fault in found))
    return asked


def _model(catalog: Catalog, body: Mapping[str, Any]) -> ModelSchema:
    name = body.get("model")
    if not isinstance(name, str):
        raise ApiError("model is missing" if name is None else "model is not a text")
    model = catalog.find(name)
    if model is None:
        near = catalog.nearest(name, limit=1)
        hint = f'did you mean "{near[0]}"?' if near else "GET /v1/models lists them"
        raise ApiError(f'no model is called "{name[:120]}"; {hint}', code="model_error")
    return model


def _worded(fault: Fault) -> str:
    # Other hints speak to those who write specs.
    return f"{fault.detail} ({fault.hint})" if fault.kind is Kind.UNKNOWN and fault.hint else fault.detail


def _plain(value: Any) -> Any:
    """Return numbers by their value: 20.0 is 20, as in JSON Schema."""
    return int(value) if isinstance(value, float) and value.is_integer() else value

"""`POST /v1/images/generations`: from a JSON body to images, billed once."""

import asyncio
import base64
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

from specrun.canonical import digest
from specrun.catalog.fault import Fault, Kind
from specrun.catalog.models import Catalog
from specrun.catalog.schema import ModelSchema
from specrun.catalog.validate import faults
from specrun.server.body import parse_object, read_body, require_json
from specrun.server.engine import Engine, ImageRequest
from specrun.server.errors import ApiError
from specrun.server.idempotency import Answers
from specrun.server.inputs import decode_input, decode_text, given_images, is_url
from specrun.server.meter import Meter
from specrun.server.queue import Queue
from specrun.server.results import Results
from specrun.server.settings import Settings

_LARGEST_SEED = 2**31 - 1
_LONGEST_KEY = 255


class Generations:
    """The endpoint; one a server."""

    def __init__(self, *, catalog: Catalog, engine: Engine, results: Results, meter: Meter, settings: Settings) -> None:
        self._catalog = catalog
        self._engine = engine
        self._results = results
        self._meter = meter
        self._settings = settings
        self._answers = Answers()
        self._queue = Queue(running=settings.running, waiting=settings.waiting)

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        require_json(request)
        data = await read_body(request, self._settings.body_bytes)
        base = str(request.url_for("result", name="_")).removesuffix("_")
        answer = await self._answers.once(_idempotency_key(request), digest(data), lambda: self._make(data, base))
        return Response(answer, media_type="application/json")

    async def _make(self, data: bytes, base: str) -> bytes:
        body = parse_object(data)
        model = find_model(self._catalog, body)
        body = _by_schema_names(model, body)
        check(model, body)
        async with self._queue.place():
            inputs = [await self._input(place, text) for place, text in given_images(model, body)]
            images = await self._engine.images(image_request(model, body, inputs))
        self._meter.bill(len(images))
        as_url = body.get("response_format", model.defaults.get("response_format", "url")) != "b64_json"
        items = [
            {"url": base + self._results.put(image)} if as_url else {"b64_json": base64.b64encode(image).decode()}
            for image in images
        ]
        return json.dumps({"created": int(time.time()), "data": items, "usage": {"input_tokens_details": {}}}).encode()

    async def _input(self, place: str, text: str) -> Image.Image:
        if is_url(text):
            raise ApiError(f"{place} is a URL, and this server fetches none; send the image as base64 data")
        return await asyncio.to_thread(lambda: decode_input(decode_text(text, place), place))


def find_model(catalog: Catalog, body: Mapping[str, Any]) -> ModelSchema:
    """Return the model that a body names; raises `ApiError` where there is none."""
    name = body.get("model")
    if not isinstance(name, str):
        raise ApiError("model is missing" if name is None else "model is not a text")
    model = catalog.find(name)
    if model is None:
        near = catalog.nearest(name, limit=1)
        hint = f'did you mean "{near[0]}"?' if near else "GET /v1/models lists them"
        raise ApiError(f'no model is called "{name[:120]}"; {hint}', code="model_error")
    return model


def check(model: ModelSchema, body: Mapping[str, Any]) -> None:
    """Raise `ApiError` with all that the model's schema says against a body."""
    found = faults(model, {**body, "model": model.id})
    if found:
        raise ApiError("; ".join(_worded(fault) for fault in found))


def image_request(model: ModelSchema, body: Mapping[str, Any], inputs: Sequence[Image.Image]) -> ImageRequest:
    """Return what the engine is asked: defaults filled in, a seed chosen where the request leaves it open."""
    left_out = {"model", "response_format", *model.inputs}
    params = {name: _plain(value) for name, value in {**model.defaults, **body}.items() if name not in left_out}
    if model.has_seed and params.get("seed", -1) == -1:
        params["seed"] = secrets.randbelow(_LARGEST_SEED + 1)
    return ImageRequest(model=model.id, params=params, inputs=tuple(inputs))


def _plain(value: Any) -> Any:
    """Return numbers by their value: 20.0 is 20, as in JSON Schema."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _by_schema_names(model: ModelSchema, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body by the names of the schema, where the wire's differ."""
    names = {wire: name for name, wire in model.facts.wire.items()}
    return {names.get(name, name): value for name, value in body.items()}


def _worded(fault: Fault) -> str:
    return f"{fault.detail} ({fault.hint})" if fault.kind is Kind.UNKNOWN and fault.hint else fault.detail


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _LONGEST_KEY:
        raise ApiError(f"an Idempotency-Key is 1 to {_LONGEST_KEY} characters long", status=HTTPStatus.BAD_REQUEST)
    return key

"""What a run's parameters become on the wire."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pybase64

from specrun.catalog.schema import ModelSchema
from specrun.imaging import ImageError
from specrun.media_type import media_type
from specrun.model.inputs import FileImage, InputImage, OutputImage, Param, UrlImage


def request_body(
    model: ModelSchema,
    params: Mapping[str, Param],
    *,
    read: Callable[[InputImage], bytes],
    response_format: str | None = None,
) -> bytes:
    """Return the JSON body that asks `model` for images; the same arguments always give the same bytes.

    `params` are resolved, `prompt` among them. `read` gives the bytes of an input image; they travel as data URLs,
    whatever the spec named them by. Raises `ImageError` where they are no image.
    """
    body: dict[str, Any] = {"model": model.id}
    for name in sorted(params):
        body[model.facts.wire.get(name, name)] = _value(params[name], read)
    if response_format is not None:
        body["response_format"] = response_format
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def data_url(data: bytes) -> str:
    """Return an image as a `data:` URL that names its true type; raises `ImageError` where it has none."""
    kind = media_type(data)
    if kind is None:
        raise ImageError("is not a PNG, JPEG, WebP, GIF or AVIF image" if data else "is empty")
    return f"data:{kind};base64,{pybase64.b64encode_as_string(data)}"


def _value(value: Param, read: Callable[[InputImage], bytes]) -> Any:
    match value:
        case FileImage() | UrlImage() | OutputImage():
            return data_url(read(value))
        case tuple():
            return [_value(item, read) for item in value]
        case _:
            return value

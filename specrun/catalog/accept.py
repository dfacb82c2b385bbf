"""Whether a parameter is plainly what its model takes, told fast; `validate` has the last word on all else."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import jsonschema_rs

from specrun.catalog.patterns import LINEAR
from specrun.catalog.schema import ModelSchema
from specrun.model.inputs import Param
from specrun.model.run import images_in

_IMAGE = "data:image/png;base64,AAAA"


def accepts(model: ModelSchema, name: str, value: Param) -> bool:
    """Say whether a parameter is valid by itself; False may also mean that only the slow way can tell."""
    images = images_in(value)
    if images and name not in model.inputs:
        return False
    plain: Any = value
    if images:
        plain = [_IMAGE if images_in(item) else item for item in value] if isinstance(value, tuple) else _IMAGE
    return _check(model, name)(plain)


def accepts_texts(model: ModelSchema, name: str, texts: Sequence[str]) -> bool:
    """Say the same of several texts at once: whether each is valid by itself."""
    return _check(model, name, several=True)(texts)


@cache
def _check(model: ModelSchema, name: str, *, several: bool = False) -> Callable[[Any], bool]:
    schema = model.properties.get(name)
    if schema is None:
        return _never
    document = {**({"items": schema} if several else schema), "$defs": model.schema.get("$defs", {})}
    try:
        return jsonschema_rs.Draft202012Validator(document, pattern_options=LINEAR).is_valid
    except ValueError:  # a reference to elsewhere in the schema
        return _never


def _never(_value: Any) -> bool:
    return False

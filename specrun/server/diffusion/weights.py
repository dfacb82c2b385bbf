"""The weights file: which folder of weights stands behind which model."""

from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from specrun.diagnostics import Collector, did_you_mean
from specrun.spec.nodes import Node
from specrun.spec.reader import Reader, entries
from specrun.spec.yaml import load_yaml

_FIELDS = ("device", "dtype", "offload", "code", "models")
_DTYPES = ("bfloat16", "float16", "float32")
_INDEX = "model_index.json"


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """Folders by model id, as `DiffusionPipeline.save_pretrained` writes them.

    `device` (`cuda`, `cuda:1`, `mps`, `cpu`) and `dtype` are None where the machine decides. With `offload`, weights
    wait in main memory and only the part at work is on the device. `code` is a Python file with classes that diffusers
    lacks; no other code is ever run, also none that lies in a folder of weights.
    """

    models: Mapping[str, Path]
    device: str | None = None
    dtype: str | None = None
    offload: bool = False
    code: Path | None = None


def load_weights(path: Path, known: Collection[str]) -> Weights:
    """Read a weights file for a catalogue that has the ids `known`; raises `InvalidInputError` with all its faults."""
    faults = Collector()
    read = Reader(faults)
    node = load_yaml(path, path.as_posix())
    fields = read.fields(node, "a weights file", _FIELDS)
    device, dtype, offload, code = (None if fields is None else fields.get(name) for name in _FIELDS[:4])
    section = None if fields is None else fields.get("models")
    if fields is not None and section is None:
        read.fail(node, "missing key", "the weights file names no models", "add models: {<model id>: <folder>}")
    weights = Weights(
        models=_folders(read, section, path.parent, known),
        device=None if device is None else read.text(device, "device"),
        dtype=None if dtype is None else _dtype(read, dtype),
        offload=offload is not None and bool(read.boolean(offload, "offload")),
        code=None if code is None else _code(read, code, path.parent),
    )
    faults.stop_on_errors()
    return weights


def _folders(read: Reader, node: Node | None, base: Path, known: Collection[str]) -> dict[str, Path]:
    folders = {}
    for model, key, value in entries(None if node is None else read.mapping(node, "models")):
        if model not in known:
            hint = did_you_mean(model, known) or "see specrun models"
            read.fail(key, "unknown model", f'no model is called "{model}"', hint)
        name = read.text(value, f"models.{model}")
        if name is None:
            continue
        folders[model] = (base / name).resolve()
        if not (folders[model] / _INDEX).is_file():
            hint = "name a folder as diffusers saves it, which holds model_index.json and a folder for each part"
            read.fail(value, "no weights", f"{name} holds no {_INDEX}", hint)
    return folders


def _code(read: Reader, node: Node, base: Path) -> Path | None:
    name = read.text(node, "code")
    if name is None:
        return None
    path = (base / name).resolve()
    if path.suffix != ".py" or not path.is_file():
        read.fail(node, "no code", f"{name} is no Python file", "name one that is there, relative to this file")
    return path


def _dtype(read: Reader, node: Node) -> str | None:
    dtype = read.text(node, "dtype")
    if dtype is not None and dtype not in _DTYPES:
        read.fail(node, "value not allowed", f'"{dtype}" is no dtype known here', f"use {', '.join(_DTYPES)}")
    return dtype

"""The manifest as a Parquet table, an image a row; needs the extra `specrun[parquet]`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from specrun.store.manifest import ManifestOutput

_TYPES: Mapping[str, Any] = {
    "address": pa.string(),
    "job": pa.string(),
    "index": pa.int32(),
    "path": pa.string(),
    "file": pa.string(),
    "blob": pa.string(),
    "media_type": pa.string(),
    "width": pa.int32(),
    "height": pa.int32(),
    "bytes": pa.int64(),
    "provider": pa.string(),
    "model": pa.string(),
    "prompt": pa.string(),
    "seed": pa.int64(),
    "key": pa.string(),
    "request_digest": pa.string(),
}


def as_parquet(outputs: Sequence[ManifestOutput]) -> bytes:
    """Return the file's bytes; `params` is JSON, as models differ in theirs, `axes` a map."""
    columns = {name: pa.array([getattr(output, name) for output in outputs], kind) for name, kind in _TYPES.items()}
    columns["params"] = pa.array([_json(output.params) for output in outputs], pa.string())
    axes = [list(output.axes.items()) for output in outputs]
    columns["axes"] = pa.array(axes, pa.map_(pa.string(), pa.string()))
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)

"""The manifest as CSV that a spreadsheet shows and does not execute."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from specrun.report import inert
from specrun.store.manifest import ManifestOutput

_COLUMNS = (
    *("address", "job", "index", "path", "file", "blob", "media_type", "width", "height", "bytes"),
    *("provider", "model", "prompt", "seed", "key", "request_digest"),
)
# What makes a spreadsheet take a text for a formula, full-width forms included (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def as_csv(outputs: Sequence[ManifestOutput]) -> Iterator[str]:
    """Return the lines, an image each; axes and params have columns of their own, `axes.style`, `params.steps`.

    A text that a spreadsheet would execute stands behind an apostrophe.
    """
    axes = sorted({name for output in outputs for name in output.axes})
    params = sorted({name for output in outputs for name in output.params} - {"prompt", "seed"})
    yield _line([*_COLUMNS, *(f"axes.{name}" for name in axes), *(f"params.{name}" for name in params)])
    for output in outputs:
        plain = [getattr(output, column) for column in _COLUMNS]
        varied = [output.axes.get(name) for name in axes] + [output.params.get(name) for name in params]
        yield _line([*plain, *varied])


def _line(cells: Sequence[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([_cell(cell) for cell in cells])
    return line.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (bool, list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (int, float)):
        return str(value)
    text = "\n".join(inert.line(part) for part in str(value).split("\n"))
    return f"'{text}" if text.startswith(_FORMULA) else text

"""The manifest as CSV that a spreadsheet shows and does not execute."""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from specrun.report import inert
from specrun.store.manifest import ManifestOutput

_COLUMNS = (
    *("address", "job", "index", "path", "file", "blob", "media_type", "width", "height", "bytes"),
    *("provider", "model", "prompt", "seed", "key", "request_digest"),
)
# Where a spreadsheet takes a text for a formula, full-width forms included (OWASP, CSV injection): at its beginning,
# also behind quotes and blanks, and behind what parts cells or rows where the table is read with another separator.
_FORMULA = re.compile("(?P<before>(?:\\A|[;\t\n\r])[\"' ]*)(?=[=+\\-@\uff1d\uff0b\uff0d\uff20])")
# A number executes nothing; behind an apostrophe it would no longer be one.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def as_csv(outputs: Sequence[ManifestOutput], *, raw: bool = False) -> Iterator[str]:
    """Return the lines, an image each; axes and params have columns of their own, `axes.style`, `params.steps`.

    What a spreadsheet would execute in a text stands behind an apostrophe, unless the table is to be `raw`.
    """
    axes = sorted({name for output in outputs for name in output.axes})
    params = sorted({name for output in outputs for name in output.params} - {"prompt", "seed"})
    yield _line([*_COLUMNS, *(f"axes.{name}" for name in axes), *(f"params.{name}" for name in params)], raw=raw)
    for output in outputs:
        plain = [getattr(output, column) for column in _COLUMNS]
        varied = [output.axes.get(name) for name in axes] + [output.params.get(name) for name in params]
        yield _line([*plain, *varied], raw=raw)


def _line(cells: Sequence[Any], *, raw: bool) -> str:
    line = io.StringIO()
    texts = map(_text, cells)
    csv.writer(line, lineterminator="\n").writerow(texts if raw else map(_no_formula, texts))
    return line.getvalue()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (bool, list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False)
    return "\n".join(inert.line(part) for part in str(value).split("\n"))


def _no_formula(text: str) -> str:
    return text if _NUMBER.fullmatch(text) else _FORMULA.sub(r"\g<before>'", text)

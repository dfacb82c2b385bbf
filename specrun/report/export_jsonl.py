"""The manifest as JSON Lines, an image a line."""

from collections.abc import Iterator, Sequence

import msgspec

from specrun.report import inert
from specrun.store.manifest import ManifestOutput

_LINE = msgspec.json.Encoder(order="deterministic")


def as_jsonl(outputs: Sequence[ManifestOutput]) -> Iterator[str]:
    """Return the lines, each an object as it stands in the manifest."""
    for output in outputs:
        yield inert.json_text(_LINE.encode(output).decode()) + "\n"

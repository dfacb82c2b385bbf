"""The manifest that an apply leaves: the lock's images, each with its facts."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from specrun.apply.money import money_of
from specrun.imaging import ImageError, decode_image
from specrun.model.lock import Lock, LockedOutput, LockRow, State
from specrun.model.plan import Plan
from specrun.model.run import Price
from specrun.provenance.embed import original
from specrun.store.blobs import Blobs
from specrun.store.contained import Contained
from specrun.store.ledger_view import view_ledger
from specrun.store.manifest import ImageFacts, Manifest, ManifestOutput

# One axis of an address: a bare label, or one in JSON's quotes.
_AXIS = re.compile(r'([^=,\[\]]+)=("(?:[^"\\]|\\.)*"|[^,\]"]*)')


def listed(
    lock: Lock, plan: Plan, facts: Mapping[str, ImageFacts], price_of: Callable[[LockRow], Price | None]
) -> Manifest:
    """Return the manifest of a lock.

    Images of orphans are no longer anybody's and stay out of it, as do those of which this machine has no facts.
    """
    axes = {action.run.address: dict(action.run.axes) for action in plan.actions if action.run is not None}
    rows = [row for row in lock.rows.values() if row.state is not State.ORPHAN]
    return Manifest(
        spec=lock.spec,
        name=lock.name,
        held=Counter(row.state.value for row in rows if row.held and row.state is not None),
        outputs=tuple(
            _listed(row, output, facts[output.blob], axes.get(row.address))
            for row in rows
            for output in row.outputs
            if output.blob in facts
        ),
        money=money_of(rows, price_of),
    )


def gather_facts(
    lock: Lock, known: Mapping[str, ImageFacts], *, ledger: Path, blobs: Blobs, outputs: Path
) -> Mapping[str, ImageFacts]:
    """Return the facts of a lock's images: those known, those the ledger has, and those that bytes at hand tell."""
    images = {output.blob: output for row in lock.rows.values() for output in row.outputs}
    found = {blob: known[blob] for blob in images if blob in known}
    if len(found) < len(images):
        with view_ledger(ledger) as view:
            found |= view.facts(images.keys() - found.keys())
    files = Contained(outputs)
    for blob in images.keys() - found.keys():
        data = blobs.read(blob) if blobs.has(blob) else _received(files, images[blob])
        if data is not None:
            # What an earlier specrun took for an image, and this one does not, has no facts.
            with suppress(ImageError):
                found[blob] = _decoded(data)
    return found


def _received(files: Contained, output: LockedOutput) -> bytes | None:
    try:
        return original(files.read(output.path), output.blob)
    except OSError:
        return None


def _listed(row: LockRow, output: LockedOutput, facts: ImageFacts, axes: Mapping[str, str] | None) -> ManifestOutput:
    return ManifestOutput(
        address=row.address,
        index=output.index,
        path=output.path,
        file=output.file,
        blob=output.blob,
        media_type=facts.media_type,
        width=facts.width,
        height=facts.height,
        bytes=facts.bytes,
        provider=row.provider,
        model=row.model,
        prompt=str(row.params.get("prompt", "")),
        params=row.params,
        seed=row.seed,
        key=row.key,
        request_digest=row.request_digest,
        job=row.address.partition("[")[0],
        axes=_axes(row.address) if axes is None else axes,
    )


def _axes(address: str) -> dict[str, str]:
    """Return the axes that an address names, for rows that the plan leaves out."""
    inner = address.partition("[")[2]
    return {name: json.loads(label) if label[:1] == '"' else label for name, label in _AXIS.findall(inner)}


def _decoded(data: bytes) -> ImageFacts:
    image = decode_image(data)
    return ImageFacts(media_type=image.media_type, width=image.width, height=image.height, bytes=len(data))

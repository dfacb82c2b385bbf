"""From the bytes received to the files delivered; the lock row says all that is needed to do it again exactly."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from specrun import __version__
from specrun.model.lock import LockedOutput, LockRow
from specrun.model.provenance import ProvenanceMode, ProvenanceSettings, Stamp
from specrun.provenance.embed import embed
from specrun.provenance.facts import facts_of
from specrun.provenance.sidecar import settings_of, written
from specrun.provenance.xmp import LATEST, CannotEmbedError


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What is written for one image: the file, and the text beside it (`<path>.json`) where there is one."""

    file: bytes
    sidecar: bytes | None = None


def stamped(row: LockRow, settings: ProvenanceSettings, spec: str, origin: LockRow | None = None) -> LockRow:
    """Return the row with the stamp that its images are delivered under; `spec` is the spec's name.

    Images that come from another row, `origin`, and were delivered under the same settings keep the stamp they have.
    """
    if origin is not None and settings_of(origin) == settings:
        return kept(origin, row)
    if settings.mode is ProvenanceMode.NONE:
        return replace(row, provenance=None)
    stamp = Stamp(mode=settings.mode, omit=settings.omit, version=LATEST, specrun=__version__, spec=spec)
    return replace(row, provenance=stamp)


def delivery(blob: bytes, row: LockRow, output: LockedOutput) -> Delivery:
    """Return what is written for a locked output whose bytes, as received, are `blob`."""
    if row.provenance is not None and row.provenance.mode is ProvenanceMode.EMBED:
        try:
            return Delivery(file=embed(blob, facts_of(row, output, row.provenance)))
        except CannotEmbedError:
            pass
    return Delivery(file=blob, sidecar=written(row, output))


def kept(old: LockRow, new: LockRow) -> LockRow:
    """Return the row `new` for images made under `old`, so that their files stay as they are.

    Once inputs turn out to be what they were, a run's key moves on, and with it what stands for chained inputs in
    its params; the stamp then remembers what the files say.
    """
    if old.provenance is None:
        return replace(new, provenance=None)
    said: dict[str, Any] = {"key": old.key, **old.provenance.moved}
    params: Mapping[str, Any] = {**old.params, **said.pop("params", {})}
    moved: dict[str, Any] = {} if said["key"] == new.key else {"key": said["key"]}
    images = {name: value for name, value in params.items() if new.params.get(name) != value}
    if images:
        moved["params"] = images
    return replace(new, provenance=replace(old.provenance, moved=moved))

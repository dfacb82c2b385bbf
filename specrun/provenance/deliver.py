"""From the bytes received to the files delivered; the lock row says all that is needed to do it again exactly."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from specrun import __version__
from specrun.model.lock import LockedOutput, LockRow
from specrun.model.provenance import ProvenanceMode, ProvenanceSettings, Stamp
from specrun.provenance.embed import embed
from specrun.provenance.facts import Provenance, ProvenanceError, facts_of, facts_text, read_facts
from specrun.provenance.xmp import LATEST, CannotEmbedError

SIDECAR = ".json"
_NONE = ProvenanceSettings(mode=ProvenanceMode.NONE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
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


def settings_of(row: LockRow) -> ProvenanceSettings:
    """Return the settings that a row's files were delivered under."""
    return _NONE if row.provenance is None else row.provenance.settings


def delivery(blob: bytes, row: LockRow, output: LockedOutput) -> Delivery:
    """Return what is written for a locked output whose bytes, as received, are `blob`."""
    if row.provenance is not None and row.provenance.mode is ProvenanceMode.EMBED:
        try:
            return Delivery(file=embed(blob, facts_of(row, output, row.provenance)))
        except CannotEmbedError:
            pass
    return Delivery(file=blob, sidecar=_sidecar(row, output))


def sidecar(row: LockRow, output: LockedOutput) -> bytes | None:
    """Return what stands beside a delivered file, None where nothing does: its facts are inside, or not wanted."""
    return _sidecar(row, output) if output.file == output.blob else None


def beside(image: Path) -> Path:
    """Return where an image's sidecar stands, whether there is one or not."""
    return image.with_name(image.name + SIDECAR)


def told(text: bytes) -> Provenance | None:
    """Return the facts in a sidecar, None where specrun did not write it."""
    try:
        return read_facts(text.decode())
    except (UnicodeDecodeError, ProvenanceError):
        return None


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


def _sidecar(row: LockRow, output: LockedOutput) -> bytes | None:
    if row.provenance is None:
        return None
    return facts_text(facts_of(row, output, row.provenance)).encode() + b"\n"

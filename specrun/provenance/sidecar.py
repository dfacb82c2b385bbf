"""The facts about an image in a file beside it; light enough for planning."""

from pathlib import Path

from specrun.model.lock import LockedOutput, LockRow
from specrun.model.provenance import ProvenanceMode, ProvenanceSettings
from specrun.provenance.facts import Provenance, ProvenanceError, facts_of, facts_text, read_facts

SIDECAR = ".json"
_NONE = ProvenanceSettings(mode=ProvenanceMode.NONE)


def settings_of(row: LockRow) -> ProvenanceSettings:
    """Return the settings that a row's files were delivered under."""
    return _NONE if row.provenance is None else row.provenance.settings


def sidecar(row: LockRow, output: LockedOutput) -> bytes | None:
    """Return what stands beside a delivered file, None where nothing does: its facts are inside, or not wanted."""
    return written(row, output) if output.file == output.blob else None


def beside(image: Path) -> Path:
    """Return where an image's sidecar stands, whether there is one or not."""
    return image.with_name(image.name + SIDECAR)


def told(text: bytes) -> Provenance | None:
    """Return the facts in a sidecar, None where specrun did not write it."""
    try:
        return read_facts(text.decode())
    except (UnicodeDecodeError, ProvenanceError):
        return None


def written(row: LockRow, output: LockedOutput) -> bytes | None:
    """Return the facts of an image as a file of their own, None where they are not wanted."""
    if row.provenance is None:
        return None
    return facts_text(facts_of(row, output, row.provenance)).encode() + b"\n"

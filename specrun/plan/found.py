"""Images that stand where runs want them, and say of themselves, byte for byte, that they are theirs.

Where outputs were brought along and lock or ledger were not, the files themselves tell what was made. A file is taken
for a run's where delivering the bytes that it says to have been received, for that run, gives just this file: then
everything it says (key, request, model, parameters, seed) is what is wanted, and its picture is the one that the
digest in it names. That nobody made such a file by hand is more than bytes can prove.
"""

from collections.abc import Container, Iterator
from pathlib import Path
from typing import TypeAlias

from msgspec.structs import replace

from specrun import __version__
from specrun.canonical import digest
from specrun.model.lock import LockedOutput, LockRow
from specrun.model.plan import DELIVERING, Action, Verb
from specrun.model.provenance import ProvenanceMode, ProvenanceSettings, Stamp
from specrun.model.run import Run
from specrun.plan.world import World
from specrun.provenance.facts import Provenance, ProvenanceError

# An image, what it says of itself, and the text beside it that says so where it does not itself.
_Told: TypeAlias = tuple[bytes, Provenance, bytes | None]
_MODES = (ProvenanceMode.EMBED, ProvenanceMode.SIDECAR)


def found_row(run: Run, pins: LockRow, world: World, settings: ProvenanceSettings) -> LockRow | None:
    """Return the row that a run's images, all of them, say they were delivered under; None where one does not.

    `pins` are those of the run as it is wanted, with the digest of its request. Where an image stands as it is locked,
    nothing is looked into.
    """
    if run.key is None or pins.request_digest is None or any(map(world.as_locked, run.outputs)):
        return None
    row: LockRow | None = None
    for index, path in enumerate(run.outputs, 1):
        images = (_made(told, row or pins, index, place, settings) for place, told in _looked_into(world, path))
        row = next(filter(None, images), None)
        if row is None:
            return None
    return row


def unobstructed(action: Action, world: World, found: Container[str]) -> Action:
    """Return the action, or what is in the way of its images; those `found` at an address are in nobody's way."""
    run = action.run
    if run is None or action.verb not in DELIVERING or world.files.empty or action.address in found:
        return action
    obstacle = next(filter(None, map(world.obstacle, run.outputs)), None)
    if obstacle is None:
        return action
    return replace(action, verb=Verb.BLOCKED, reason=f"{obstacle.cause}; {obstacle.hint}")


def _looked_into(world: World, path: str) -> Iterator[tuple[str, _Told]]:
    for place in world.files.at(path):
        told = _told(world.files.folder / place)
        if told is not None:
            yield place, told


def _told(path: Path) -> _Told | None:
    """Return what stands at a path, where it says anything of itself."""
    from specrun.provenance.embed import extract  # noqa: PLC0415 - most plans find nothing to look into
    from specrun.provenance.sidecar import beside, told  # noqa: PLC0415

    if path.is_symlink() or not path.is_file():
        return None
    try:
        data = path.read_bytes()
        facts = extract(data)
        text = None if facts is not None else beside(path).read_bytes()
    except (OSError, ProvenanceError):
        return None
    if facts is None and text is not None:
        facts = told(text)
    return None if facts is None else (data, facts, text)


def _made(told: _Told, pins: LockRow, index: int, path: str, settings: ProvenanceSettings) -> LockRow | None:
    """Return the row with the image, if delivering what it says to have been received gives just what stands there."""
    from specrun.provenance.deliver import delivery  # noqa: PLC0415 - as above
    from specrun.provenance.embed import original  # noqa: PLC0415

    data, facts, text = told
    received = original(data, facts.blob) if (facts.key, facts.index) == (pins.key, index) else None
    if received is None:
        return None
    if not pins.outputs:
        pins = replace(pins, take=facts.take or pins.take)
    output = LockedOutput(index=index, path=path, blob=facts.blob, file=digest(data))
    for stamp in (pins.provenance,) if pins.outputs else _stamps(facts, settings):
        row = replace(pins, provenance=stamp, outputs=(*pins.outputs, output))
        made = delivery(received, row, output)
        if (made.file, made.sidecar) == (data, text):
            return row
    return None


def _stamps(facts: Provenance, settings: ProvenanceSettings) -> Iterator[Stamp]:
    """Yield the ways in which an image with these facts may have been delivered, the likeliest first."""
    for mode in dict.fromkeys((settings.mode, *_MODES)):
        for omit in dict.fromkeys((settings.omit, facts.omitted)):
            yield Stamp(
                mode=mode,
                omit=omit,
                version=facts.version,
                specrun=facts.specrun or __version__,
                spec=facts.spec or "",
            )

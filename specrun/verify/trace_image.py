"""An image file, wherever it stands: what it says of itself, whether that holds, and where it comes from."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import Enum
from pathlib import Path

import msgspec

from specrun.canonical import digest
from specrun.imaging import DecodedImage, ImageError, decode_image
from specrun.model.lock import LockedOutput, LockRow
from specrun.provenance.embed import embed, extract, original
from specrun.provenance.facts import Provenance, ProvenanceError
from specrun.provenance.sidecar import beside, told
from specrun.provenance.xmp import CannotEmbedError
from specrun.store.blobs import Blobs, DamagedBlobError
from specrun.store.contained import Contained, read_regular
from specrun.verify.history import Commit, first_commit_with
from specrun.verify.likeness import Comparison, compare
from specrun.verify.locks import LockFile


class Condition(Enum):
    """What has become of an image since it was delivered."""

    DELIVERED = "as delivered, byte for byte"
    RECEIVED = "as received from the server; the provenance is not in it"
    RETOLD = "the image is as received; what its metadata says of it was changed"
    CHANGED = "changed since it was delivered"
    UNKNOWN = "changed since it was delivered; how cannot be told here without the original"
    STRANGE = "nothing says that specrun made it"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where an image stands in this project's locks; `current` is False where it has been replaced since."""

    file: LockFile
    row: LockRow
    output: LockedOutput
    current: bool
    commit: Commit | None


class ImageTrace(msgspec.Struct, frozen=True, kw_only=True):
    """All that can be told about an image file; `damaged` says why its facts cannot be read.

    `comparison` is with the bytes as received, where those are at hand and the file differs from them.
    """

    path: Path
    image: DecodedImage
    facts: Provenance | None
    damaged: str
    condition: Condition
    comparison: Comparison | None
    origin: Origin | None


def trace_image(path: Path, locks: Iterable[LockFile], blobs: Blobs, outputs: Path) -> ImageTrace:
    """Trace an image; raises `ImageError` for what is none, `OSError` where it cannot be read.

    `outputs` is the folder that holds the outputs of all specs.
    """
    data = read_regular(path)
    image = decode_image(data)
    facts, damaged = _facts(path, data)
    origin = _origin(image, facts, locks)
    condition, comparison = _condition(data, facts, origin, blobs, outputs)
    return ImageTrace(
        path=path,
        image=image,
        facts=facts,
        damaged=damaged,
        condition=condition,
        comparison=comparison,
        origin=origin,
    )


def _facts(path: Path, data: bytes) -> tuple[Provenance | None, str]:
    try:
        facts = extract(data)
    except ProvenanceError as error:
        return None, f"its provenance {error}"
    if facts is None and beside(path).is_file():
        facts = told(read_regular(beside(path)))
    return facts, ""


def _origin(image: DecodedImage, facts: Provenance | None, locks: Iterable[LockFile]) -> Origin | None:
    """Find the image by its bytes, then by the bytes it says it came as, then by the request it says it answers."""
    known = list(_outputs(locks))
    blob = None if facts is None else facts.blob
    for file, row, output in known:
        if image.digest in (output.file, output.blob):
            return _found(file, row, output)
    for file, row, output in known:
        if output.blob == blob:
            return _found(file, row, output)
    for file, row, output in known:
        if facts is not None and facts.key is not None and (row.key, output.index) == (facts.key, facts.index):
            return _found(file, row, output, blob)
    return None


def _found(file: LockFile, row: LockRow, output: LockedOutput, blob: str | None = None) -> Origin:
    commit = first_commit_with(blob or output.blob, file.path)
    return Origin(file=file, row=row, output=output, current=blob is None, commit=commit)


def _outputs(locks: Iterable[LockFile]) -> Iterator[tuple[LockFile, LockRow, LockedOutput]]:
    for file in locks:
        for row in file.lock.rows.values():
            for output in row.outputs:
                yield file, row, output


def _condition(
    data: bytes, facts: Provenance | None, origin: Origin | None, blobs: Blobs, outputs: Path
) -> tuple[Condition, Comparison | None]:
    blob = facts.blob if facts is not None else None
    if origin is not None and origin.current:
        blob = origin.output.blob
        if digest(data) == origin.output.file:
            return Condition.DELIVERED, None
    if blob is None:
        return Condition.STRANGE, None
    if digest(data) == blob:
        return Condition.RECEIVED, None
    bare = original(data, blob)
    if bare is not None:
        return (Condition.DELIVERED if _faithful(data, bare, facts) else Condition.RETOLD), None
    received = _received(blob, origin, blobs, outputs)
    with suppress(ImageError):
        if received is not None:
            return Condition.CHANGED, compare(received, data)
    return Condition.UNKNOWN, None


def _faithful(data: bytes, bare: bytes, facts: Provenance | None) -> bool:
    """Whether embedding the facts once more gives this very file: perhaps one that was delivered earlier."""
    try:
        return facts is not None and facts.intact and embed(bare, facts) == data
    except CannotEmbedError:
        return False


def _received(blob: str, origin: Origin | None, blobs: Blobs, outputs: Path) -> bytes | None:
    """Return the bytes as received: from the store, or out of the delivered file."""
    try:
        return blobs.read(blob)
    except (FileNotFoundError, DamagedBlobError):
        pass
    if origin is None or not origin.current:
        return None
    try:
        return original(Contained(outputs).read(f"{origin.file.lock.name}/{origin.output.path}"), blob)
    except OSError:
        return None

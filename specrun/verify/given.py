"""An image that a person gives as the answer to a request, held against what it says of itself."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.imaging import DecodedImage, ImageError, decode_image
from specrun.model.lock import LockRow
from specrun.model.money import row_request
from specrun.provenance.embed import extract, original
from specrun.provenance.facts import Provenance, ProvenanceError
from specrun.provenance.sidecar import beside, told
from specrun.verify.locks import LockFile


def given_image(path: Path, row: LockRow, locks: Iterable[LockFile]) -> DecodedImage:
    """Return the image in a file, as it was received if that can be told, to stand for a run.

    Raises `InvalidInputError` for what is no image, and for one that was made for another request: it would be
    delivered, and believed, as this run's.
    """
    data = path.read_bytes()
    try:
        image = decode_image(data)
    except ImageError as error:
        detail = f"{path} {error}"
        raise InvalidInputError(Diagnostic(summary="not an image", detail=detail)) from error
    facts = _facts(path, data)
    if facts is not None and _is_of(facts, row):
        bare = original(data, facts.blob)
        return image if bare is None or bare == data else decode_image(bare)
    owner = _owner(image, facts, row, locks)
    if owner or (facts is not None and (facts.key or facts.request_digest)):
        detail = f"{path} was made for {owner or _request(facts)}, not for {row.address}"
        hint = (
            f"give the image that answered this very request; `specrun show {shlex.quote(str(path))}` tells of this one"
        )
        raise InvalidInputError(Diagnostic(summary="image of another run", detail=detail, hint=hint))
    return image


def _facts(path: Path, data: bytes) -> Provenance | None:
    try:
        facts = extract(data)
    except ProvenanceError:
        return None
    return told(beside(path).read_bytes()) if facts is None and beside(path).is_file() else facts


def _is_of(facts: Provenance, row: LockRow) -> bool:
    """Say whether an image says that it answers a run's request."""
    return (facts.key is not None and facts.key == row.key) or (
        facts.request_digest is not None and facts.request_digest == row.request_digest
    )


def _owner(image: DecodedImage, facts: Provenance | None, row: LockRow, locks: Iterable[LockFile]) -> str:
    """Return the address of another request's run that has the image, empty for none."""
    blobs = {image.digest} if facts is None else {image.digest, facts.blob}
    for file in locks:
        for other in file.lock.rows.values():
            has = any(output.file == image.digest or output.blob in blobs for output in other.outputs)
            if has and row_request(other) != row_request(row):
                return other.address
    return ""


def _request(facts: Provenance | None) -> str:
    """Return what an image says it was made from."""
    if facts is None or facts.prompt is None:
        return "another request"
    return f'another request, "{facts.prompt}"'

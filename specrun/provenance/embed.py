"""Facts into an image and out again: bytes to bytes, no pixel decoded, the same result on every machine."""

from typing import Protocol

from specrun.canonical import digest
from specrun.media_type import media_type
from specrun.provenance import jpeg, png, webp
from specrun.provenance.facts import Provenance, ProvenanceError
from specrun.provenance.xmp import CannotEmbedError, add_facts, facts_in, without_facts


class _Container(Protocol):
    def signed(self, data: bytes) -> bool: ...
    def xmp_in(self, data: bytes) -> bytes | None: ...
    def put_xmp(self, data: bytes, packet: bytes) -> bytes: ...
    def drop_xmp(self, data: bytes) -> tuple[bytes, ...]: ...
    def picture(self, data: bytes) -> bytes: ...


_CONTAINERS: dict[str, _Container] = {"image/png": png, "image/jpeg": jpeg, "image/webp": webp}


def embed(data: bytes, facts: Provenance) -> bytes:
    """Return the image with the facts in its metadata, all else as it was.

    Raises `CannotEmbedError` for what has no place for them: GIF, AVIF, metadata that nothing can be added to, and
    images signed by their maker, whose signature any change would break.
    """
    kind = media_type(data)
    container = _CONTAINERS.get(kind or "")
    if container is None:
        raise CannotEmbedError(f"is {kind}, which is written as it came" if kind else "is no image of a known kind")
    if container.signed(data):
        raise CannotEmbedError("carries Content Credentials, which any change would break")
    return container.put_xmp(data, add_facts(container.xmp_in(data), facts))


def extract(data: bytes) -> Provenance | None:
    """Return the facts that an image carries, None where it carries none; raise `ProvenanceError` for damaged ones."""
    packet = _packet(data)
    return None if packet is None else facts_in(packet)


def original(data: bytes, blob: str) -> bytes | None:
    """Return the bytes as received, those with the digest `blob`, from a delivered image; None where it was changed."""
    if digest(data) == blob:
        return data
    packet = _packet(data)
    if packet is None:
        return None
    container = _CONTAINERS[media_type(data) or ""]
    rest = without_facts(packet)
    candidates = container.drop_xmp(data) if rest is None else (container.put_xmp(data, rest),)
    return next((candidate for candidate in candidates if digest(candidate) == blob), None)


def blob_of(data: bytes) -> str | None:
    """Return the digest of the bytes as received that a delivered file is made of; None where it was changed since."""
    try:
        facts = extract(data)
    except ProvenanceError:
        return None
    return None if facts is None or original(data, facts.blob) is None else facts.blob


def as_delivered(data: bytes) -> bytes | None:
    """Return the bytes as received of a file that is, byte for byte, what was delivered of them; None for any other."""
    try:
        facts = extract(data)
        received = None if facts is None or not facts.intact else original(data, facts.blob)
        return received if received is not None and facts is not None and embed(received, facts) == data else None
    except (ProvenanceError, CannotEmbedError):
        return None


def same_picture(one: bytes, other: bytes) -> bool:
    """Whether two images differ in nothing but metadata: the same coded picture, not decoded."""
    kind = media_type(one)
    container = _CONTAINERS.get(kind or "")
    if container is None or media_type(other) != kind:
        return one == other
    try:
        return container.picture(one) == container.picture(other)
    except CannotEmbedError:
        return False


def _packet(data: bytes) -> bytes | None:
    container = _CONTAINERS.get(media_type(data) or "")
    try:
        return None if container is None else container.xmp_in(data)
    except CannotEmbedError:
        return None

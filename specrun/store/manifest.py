"""The manifest: every image that was made, with its facts, for programs downstream."""

import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from specrun.atomic import write_text_if_changed
from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.store.conflict import conflict_sides, marked
from specrun.store.contained import open_regular
from specrun.store.document import FORMAT_VERSION, collector_paused, content_of, decode, document
from specrun.store.named import Named
from specrun.store.owner import HEAD, belongs, owner_in

FILE_NAME = "manifest.json"

_LINE = msgspec.json.Encoder(order="deterministic")


class ImageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What decoding an image told: its true type, its size in pixels, its length in bytes."""

    media_type: str
    width: int
    height: int
    bytes: int


class ManifestOutput(msgspec.Struct, frozen=True, kw_only=True):
    """One image: `path` is below the outputs folder, `blob` and `file` are as in the lock."""

    address: str
    index: int
    path: str
    file: str
    blob: str
    media_type: str
    width: int
    height: int
    bytes: int
    provider: str
    model: str
    prompt: str
    params: Mapping[str, Any]
    seed: int | None
    key: str | None
    request_digest: str | None
    job: str
    axes: Mapping[str, str]

    @property
    def facts(self) -> ImageFacts:
        """The facts of the bytes received."""
        return ImageFacts(media_type=self.media_type, width=self.width, height=self.height, bytes=self.bytes)


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """What images came to, by currency; `unpriced` counts images of unknown price."""

    spent: Mapping[str, Decimal] = msgspec.field(default_factory=dict)
    unknown: Mapping[str, Decimal] = msgspec.field(default_factory=dict)
    wasted: Mapping[str, Decimal] = msgspec.field(default_factory=dict)
    unpriced: int = 0


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All images of one spec; `held` counts the held runs by state."""

    spec: str
    name: str
    held: Mapping[str, int]
    outputs: tuple[ManifestOutput, ...]
    money: Money = msgspec.field(default_factory=Money)


class _ManifestDocument(msgspec.Struct, kw_only=True, gc=False):
    format_version: str
    name: str
    spec: str
    outputs: list[ManifestOutput]


_DOCUMENT = msgspec.json.Decoder(_ManifestDocument)


def read_manifest(folder: Path, name: str = FILE_NAME) -> tuple[str, tuple[ManifestOutput, ...]] | None:
    """Return the spec that a folder of outputs belongs to and its images, None where it has no manifest."""
    sides = read_manifest_sides(folder, name)
    if len(sides) > 1:
        raise InvalidInputError(
            Diagnostic(
                summary="manifest with conflict markers",
                detail=f"{folder / name} holds both sides of a git merge",
                hint="`specrun lock SPEC` joins them, and so does the next apply",
            )
        )
    return sides[0] if sides else None


def read_manifest_sides(folder: Path, name: str = FILE_NAME) -> tuple[tuple[str, tuple[ManifestOutput, ...]], ...]:
    """Return the manifests that a file holds: one, both sides of a git merge, or none."""
    path = folder / name
    # What a link leads to is not what specrun wrote; a manifest that is written takes the link's place.
    data = None if path.is_symlink() else content_of(path, "manifest")
    if data is None:
        return ()
    try:
        return (_parsed(data, path),)
    except InvalidInputError:
        # Looked for only now, since it takes a while among 100,000 images, and with markers it is not JSON.
        if not marked(data):
            raise
    return tuple(_parsed(side, path) for side in conflict_sides(data))


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return a manifest as it stands in its file, its outputs by address and index."""
    head = {"format_version": FORMAT_VERSION, "name": manifest.name, "spec": manifest.spec}
    ordered = sorted(manifest.outputs, key=lambda output: (output.address, output.index))
    return document(head, {"summary": _summary(manifest)}, "outputs", map(_LINE.encode, ordered))


def write_manifest(folder: Path, manifest: Manifest, name: str = FILE_NAME) -> bool:
    """Write the manifest unless the file already says the same; say whether it wrote."""
    return write_text_if_changed(folder / name, manifest_bytes(manifest))


def read_owner(folder: Path) -> str | None:
    """Return the spec that a folder of outputs belongs to, None where it has no manifest; mostly without reading it."""
    path = folder / FILE_NAME
    if not os.path.lexists(path) or path.is_symlink():
        return None
    try:
        with open_regular(path, follow=False) as file:
            owner = owner_in(file.read(HEAD))
    except OSError:
        owner = None
    if owner is not None:
        return owner
    sides = read_manifest_sides(folder)
    return sides[0][0] if sides else None


def check_owner(owner: str, folder: Path, *, spec: str, root: Path | None = None) -> None:
    """Refuse a folder of outputs that belongs to another spec, one that is still there at the project's `root`."""
    if not belongs(owner, spec, root):
        raise InvalidInputError(
            Diagnostic(
                summary="outputs of another spec",
                detail=f"{folder} belongs to {owner}, not to {spec}",
                hint=f"give {spec} a `name:` of its own",
            )
        )


def _parsed(data: bytes, path: Path) -> tuple[str, tuple[ManifestOutput, ...]]:
    with collector_paused():
        found = decode(_DOCUMENT, data, path, "manifest", _named)
    return found.spec, tuple(found.outputs)


def _named(document: _ManifestDocument) -> Named:
    return Named(spec=document.spec, name=document.name, paths=[output.path for output in document.outputs])


def _summary(manifest: Manifest) -> dict[str, Any]:
    return {
        "bytes": sum(output.bytes for output in manifest.outputs),
        "held": {state: count for state, count in manifest.held.items() if count},
        "images": len(manifest.outputs),
        "runs": len({output.address for output in manifest.outputs}),
        "spent": _amounts(manifest.money.spent),
        "unknown": _amounts(manifest.money.unknown),
        "unpriced": manifest.money.unpriced,
        "wasted": _amounts(manifest.money.wasted),
    }


def _amounts(sums: Mapping[str, Decimal]) -> dict[str, str]:
    """Return amounts as exact texts; a JSON number goes through binary floating point in most tools."""
    return {currency: f"{sums[currency]:f}" for currency in sorted(sums)}

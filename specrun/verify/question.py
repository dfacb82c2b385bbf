"""Whether a locked run can be asked again exactly, and the request that does."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from specrun.canonical import canonical_digest
from specrun.catalog.models import Catalog
from specrun.model.inputs import FileImage, InputImage, Param, UrlImage
from specrun.model.lock import Lock, LockRow
from specrun.model.recipe import locked_recipe
from specrun.provenance.embed import original
from specrun.provider.wire import request_body
from specrun.store.blobs import DamagedBlobError
from specrun.store.contained import Contained
from specrun.verify.target import Target


class UnaskableError(Exception):
    """A run that cannot be asked again so that the answer would prove anything; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A locked request, and the images that answered it, by index."""

    row: LockRow
    body: bytes = field(repr=False)
    originals: Mapping[int, bytes] = field(repr=False)


class Questioner:
    """Builds requests from a lock alone: the spec may have moved on, or be gone."""

    def __init__(self, target: Target, lock: Lock, catalog: Catalog) -> None:
        self._target = target
        self._catalog = catalog
        self._by_key = {row.key: row for row in lock.rows.values()}
        self._files = {output.blob: output.path for row in lock.rows.values() for output in row.outputs}

    def request(self, row: LockRow) -> Request:
        """Return what to send for a row; raises `UnaskableError`."""
        model = self._catalog.models.get(row.model)
        if row.seed is None:
            raise UnaskableError("the model takes no seed, so another image says nothing")
        if model is None:
            raise UnaskableError("no schema describes its model any more")
        if model.digest != row.schema_digest:
            raise UnaskableError("the model's contract has moved since it was locked")
        params = {name: self._param(value, row, image=name in model.inputs) for name, value in row.params.items()}
        self._check(row, params)
        originals = {output.index: self._bytes(output.blob, "its image") for output in row.outputs}
        body = request_body(model, params, read=lambda image: self._bytes(_digest(image), "an input image"))
        return Request(row=row, body=body, originals=originals)

    def _param(self, value: Any, row: LockRow, *, image: bool) -> Param:
        if not image:
            return value  # type: ignore[no-any-return] # JSON, as the lock holds it
        if isinstance(value, list):
            return tuple(self._image(item, row) for item in value)
        return self._image(value, row)

    def _image(self, recipe: Any, row: LockRow) -> InputImage:
        """Return an input image by what stands for it in the lock: a digest, or the upstream key and index."""
        if isinstance(recipe, str):
            return FileImage(path="", digest=recipe)
        upstream = self._by_key.get(recipe["key"])
        source = None if upstream is None else f"{upstream.address}#{recipe['index']}"
        digest = row.inputs.get(source or "")
        if digest is None:
            raise UnaskableError("the run that made its input image has changed since")
        return FileImage(path=source or "", digest=digest)

    def _check(self, row: LockRow, params: Mapping[str, Param]) -> None:
        """Refuse a row that does not add up to the request digest it names."""
        sent = {name: _sent(value) for name, value in params.items()}
        if canonical_digest({**locked_recipe(row), "params": sent}) != row.request_digest:
            raise UnaskableError("its row in the lock does not add up to its request digest")

    def _bytes(self, digest: str, what: str) -> bytes:
        """Return bytes as received or as read, from wherever this machine has them."""
        with contextlib.suppress(FileNotFoundError, DamagedBlobError):
            return self._target.blobs.read(digest)
        for files, path in self._places(digest):
            with contextlib.suppress(OSError):
                found = original(files.read(path), digest)
                if found is not None:
                    return found
        raise UnaskableError(f"{what} is not on this machine any more")

    def _places(self, digest: str) -> Iterator[tuple[Contained, str]]:
        """Yield the files that bytes may stand in: delivered, or where the project had them; the lock names both."""
        if digest in self._files:
            yield self._target.files, self._files[digest]
        project = Contained(self._target.root)
        for row in self._by_key.values():
            yield from ((project, source) for source, known in row.inputs.items() if known == digest)


def _digest(image: InputImage) -> str:
    return (image.digest or "") if isinstance(image, (FileImage, UrlImage)) else ""


def _sent(value: Param) -> Any:
    if isinstance(value, tuple):
        return [_sent(item) for item in value]
    return value.digest if isinstance(value, FileImage) else value

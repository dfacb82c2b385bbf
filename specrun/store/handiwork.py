"""Whose a file below outputs is: what specrun wrote and can write again, or what a person made or changed."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from specrun.canonical import digest
from specrun.model.lock import LockRow
from specrun.store.blobs import Blobs

# Of a name's 255 bytes; the rest is for what tells two files of one name apart.
_KEPT = 200


class Written:
    """Knows the files that specrun wrote: they hold an image that a lock's rows name, or the store has."""

    def __init__(self, rows: Iterable[LockRow], blobs: Blobs) -> None:
        self._rows = rows
        self._blobs = blobs

    def __contains__(self, data: object) -> bool:
        """Whether a file with this content is ours, as far as the image goes: byte for byte, provenance aside."""
        if not isinstance(data, bytes):
            return False
        found = digest(data)
        if found in self._named or self._blobs.has(found):
            return True
        from specrun.provenance.embed import blob_of  # noqa: PLC0415 - hardly a plan looks into images

        blob = blob_of(data)
        return blob is not None and (blob in self._named or self._blobs.has(blob))

    @cached_property
    def _named(self) -> set[str]:
        outputs = [output for row in self._rows for output in row.outputs]
        return {output.file for output in outputs} | {output.blob for output in outputs}


def kept_path(folder: Path, path: str, data: bytes) -> Path:
    """Return where a file that a person changed is kept aside: below `folder` as below outputs, with its digest."""
    parent, _, name = path.rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    stem = (stem if dot else name).encode()[:_KEPT].decode("utf-8", "ignore")
    return folder / parent / f"{stem}-{digest(data).removeprefix('sha256:')[:12]}{dot}{suffix if dot else ''}"

"""The bytes of the images that a run is made from, checked against what was planned."""

from collections.abc import Callable

from specrun.apply.place import Place
from specrun.model.inputs import FileImage, InputImage, OutputImage, UrlImage
from specrun.model.lock import LockedOutput
from specrun.provenance.embed import original
from specrun.store.blobs import Blobs
from specrun.store.contained import Contained


class InputError(Exception):
    """An input image that is not there or not what was planned; the message says why, `hint` what to do."""

    def __init__(self, cause: str, hint: str) -> None:
        super().__init__(cause)
        self.hint = hint


class Inputs:
    """Reads input images; `upstream` gives the output that a chained input is, None where it was not made."""

    def __init__(self, place: Place, blobs: Blobs, upstream: Callable[[OutputImage], LockedOutput | None]) -> None:
        self._project = Contained(place.root)
        self._outputs = Contained(place.outputs)
        self._blobs = blobs
        self._upstream = upstream

    def digest(self, image: InputImage) -> str | None:
        """Return the digest of an input's bytes, None while it is unknown."""
        match image:
            case FileImage() | UrlImage():
                return image.digest
            case OutputImage():
                output = self._upstream(image)
                return None if output is None else output.blob

    def read(self, image: InputImage) -> bytes:
        """Return an input's bytes; raises `InputError`."""
        match image:
            case FileImage():
                return _checked(self._project, image.path, image.digest, "plan again")
            case UrlImage():
                return self._stored(image.digest or "", image.url)
            case OutputImage():
                output = self._upstream(image)
                if output is None:
                    raise InputError(f"{image.source} has not been made", "apply again")
                if self._blobs.has(output.blob):
                    return self._blobs.read(output.blob)
                return _checked(self._outputs, output.path, output.blob, f"apply {image.address} again")

    def _stored(self, blob: str, name: str) -> bytes:
        if not self._blobs.has(blob):
            raise InputError(f"{name} has not been fetched", "apply again")
        return self._blobs.read(blob)


def _checked(files: Contained, name: str, expected: str, hint: str) -> bytes:
    path = files.folder / name
    try:
        data = files.read(name)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", hint) from error
    received = original(data, expected or "")
    if received is None:
        raise InputError(f"{path} has changed since it was planned", hint)
    return received

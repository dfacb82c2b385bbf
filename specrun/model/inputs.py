"""Images and files that a run is made from."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from specrun.canonical import Json


class FileImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image file of the project: `file('photos/lamp.png')`; `path` is relative to the project root, with /."""

    path: str
    digest: str

    @property
    def source(self) -> str:
        """What the lock calls this input."""
        return self.path

    def recipe(self) -> Json:
        """Return what stands for this image in the key: its content."""
        return self.digest


class UrlImage(msgspec.Struct, frozen=True, kw_only=True):
    """An https URL; `digest` is None until it has been fetched once and pinned."""

    url: str
    digest: str | None = None

    @property
    def source(self) -> str:
        """What the lock calls this input."""
        return self.url

    def recipe(self) -> Json:
        """Return what stands for this image in the key: its content, None while unknown."""
        return self.digest


class OutputImage(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """An image that another run makes; known by its recipe before it exists.

    `axes` holds the values of the upstream run's axes, for templates; they follow from the address, and are not
    compared.
    """

    address: str
    key: str | None
    index: int
    axes: Mapping[str, Any] = msgspec.field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OutputImage) and self._compared == other._compared

    def __hash__(self) -> int:
        return hash(self._compared)

    @property
    def source(self) -> str:
        """What the lock calls this input."""
        return f"{self.address}#{self.index}"

    @property
    def _compared(self) -> tuple[str, str | None, int]:
        return (self.address, self.key, self.index)

    def recipe(self) -> Json:
        """Return what stands for this image in the key: the upstream key and output index."""
        return None if self.key is None else {"index": self.index, "key": self.key}


InputImage: TypeAlias = FileImage | UrlImage | OutputImage

# A resolved parameter: JSON, with images where the model's schema takes images.
Param: TypeAlias = "Json | InputImage | tuple[InputImage, ...]"


def recipe_param(value: Param) -> Json:
    """Return a parameter as it stands in keys and locks: images by their recipe."""
    if isinstance(value, tuple):
        return [recipe_param(item) for item in value]
    if isinstance(value, (FileImage, UrlImage, OutputImage)):
        return value.recipe()
    return value

"""What makes the images: the seam between the API and whatever stands behind it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
from PIL import Image

from specrun.canonical import Json


class ImageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request that has passed the model's schema.

    `params` holds all parameters by their schema names, defaults filled in and the seed chosen, but neither `model`,
    `response_format` nor images; `inputs` are the images, decoded to RGB, in the order of the parameters' names.
    """

    model: str
    params: Mapping[str, Json]
    inputs: tuple[Image.Image, ...] = ()

    @property
    def prompt(self) -> str:
        """What the image shows, in words."""
        return str(self.params.get("prompt", ""))

    @property
    def count(self) -> int:
        """How many images are asked for."""
        count = self.params.get("n", 1)
        return count if isinstance(count, int) else 1

    def number(self, name: str) -> float | None:
        """Return a numeric parameter, None where the request has none."""
        value = self.params.get(name)
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def text(self, name: str) -> str | None:
        """Return a textual parameter, None where the request has none."""
        value = self.params.get(name)
        return value if isinstance(value, str) else None


class Engine(Protocol):
    """Something that makes images; what takes long it does away from the event loop."""

    @property
    def name(self) -> str:
        """What it is called, in `GET /healthz` and the log."""

    def fault(self, request: ImageRequest) -> str | None:
        """Return why it cannot serve a request that its model's schema allows; None where it can."""

    async def images(self, request: ImageRequest) -> Sequence[bytes]:
        """Return `request.count` image files."""

    async def aclose(self) -> None:
        """Let go of threads, processes and devices."""

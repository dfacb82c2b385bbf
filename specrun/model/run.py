"""One run: one cell of a job, exactly one request."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter

import msgspec

from specrun.diagnostics import Span
from specrun.model.inputs import FileImage, InputImage, OutputImage, Param, UrlImage

_IMAGES = (FileImage, UrlImage, OutputImage)
_IMAGE_KINDS = frozenset((*_IMAGES, tuple))


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """What one image costs; `amount` is exact."""

    amount: Decimal
    currency: str


# A struct, which is made eight times as fast as a frozen dataclass: a plan holds one for each of 100,000 cells.
class Run(msgspec.Struct, frozen=True, gc=False):
    """A cell with everything resolved.

    `params` holds what is sent, schema defaults and seed included, `prompt` among them, `response_format` not;
    `defaults` names those that only the schema gave. `key` is None while an input URL has no known digest.
    `outputs` are paths relative to the outputs folder, one an image, by index from 1. `price` is per image,
    None where unknown.
    """

    address: str
    job: str
    axes: tuple[tuple[str, str], ...]
    provider: str
    model: str
    params: Mapping[str, Param]
    defaults: tuple[str, ...]
    response_format: str | None
    seed: int | None
    sample: int
    revision: int
    key: str | None
    schema_digest: str
    outputs: tuple[str, ...]
    price: Price | None
    protect: bool
    span: Span

    @property
    def images(self) -> int:
        """How many images the request asks for."""
        return len(self.outputs)

    @property
    def inputs(self) -> tuple[InputImage, ...]:
        """The images the request is made from, in the order of the parameters' names."""
        if _IMAGE_KINDS.isdisjoint(map(type, self.params.values())):
            return ()
        found = [(name, images) for name, value in self.params.items() if (images := images_in(value))]
        return tuple([image for _, images in sorted(found, key=itemgetter(0)) for image in images]) if found else ()


def images_in(value: Param) -> tuple[InputImage, ...]:
    """Return the input images of one parameter: one, several or none."""
    if isinstance(value, _IMAGES):
        return (value,)
    if type(value) is tuple:
        return tuple([item for item in value if isinstance(item, _IMAGES)])
    return ()

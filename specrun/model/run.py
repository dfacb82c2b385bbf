"""One run: one cell of a job, exactly one request."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from specrun.diagnostics import Span
from specrun.model.inputs import FileImage, InputImage, OutputImage, Param, UrlImage

_IMAGES = (FileImage, UrlImage, OutputImage)


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What one image costs; `amount` is exact."""

    amount: Decimal
    currency: str


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """What the runs of one job have in common that share model, prompt template and overrides.

    `axes` are the names of the job's axes, `names` those of the params that differ from run to run, `fixed` holds the
    other params; `defaults` names those that only the schema gave, `inputs`, sorted, those that hold images. `price` is
    per image, None where unknown.
    """

    job: str
    axes: tuple[str, ...]
    provider: str
    model: str
    names: tuple[str, ...]
    fixed: Mapping[str, Param]
    defaults: tuple[str, ...]
    inputs: tuple[str, ...]
    revision: int
    schema_digest: str
    price: Price | None
    protect: bool
    span: Span

    def params(self, values: tuple[Param, ...], seed: int | None) -> dict[str, Param]:
        """Return the params of one run."""
        varying = zip(self.names, values, strict=True)
        return {**self.fixed, **dict(varying)} if seed is None else {**self.fixed, **dict(varying), "seed": seed}


# A struct, which is made eight times as fast as a frozen dataclass: a plan holds one for each of 100,000 cells. What
# it shares with others, or says otherwise than a person wants to read it, is put together when it is asked for.
class Run(msgspec.Struct, frozen=True, gc=False):
    """A cell with everything resolved.

    `labels` belong to the axes, `values` to the varying params of what it has in `common`. `key` is None while an
    input URL has no known digest. `outputs` are paths relative to the outputs folder, one an image, by index from 1.
    """

    address: str
    common: Common
    labels: tuple[str, ...]
    values: tuple[Param, ...]
    seed: int | None
    sample: int
    key: str | None
    outputs: tuple[str, ...]
    response_format: str | None = None

    @property
    def job(self) -> str:
        """The job that the run is a cell of."""
        return self.common.job

    @property
    def axes(self) -> tuple[tuple[str, str], ...]:
        """The axes, each with the run's label on it."""
        return tuple(zip(self.common.axes, self.labels, strict=True))

    @property
    def provider(self) -> str:
        """The name of the provider that is asked."""
        return self.common.provider

    @property
    def model(self) -> str:
        """The canonical id of the model."""
        return self.common.model

    @property
    def params(self) -> Mapping[str, Param]:
        """What is sent, schema defaults and seed included, `prompt` among them, `response_format` not."""
        return self.common.params(self.values, self.seed)

    @property
    def defaults(self) -> tuple[str, ...]:
        """The params that only the schema gave."""
        return self.common.defaults

    @property
    def revision(self) -> int:
        """The job's revision."""
        return self.common.revision

    @property
    def schema_digest(self) -> str:
        """The digest of the model's contract."""
        return self.common.schema_digest

    @property
    def price(self) -> Price | None:
        """What one image costs, None where unknown."""
        return self.common.price

    @property
    def protect(self) -> bool:
        """Whether a plan must not replace the images."""
        return self.common.protect

    @property
    def span(self) -> Span:
        """Where the job is written."""
        return self.common.span

    @property
    def images(self) -> int:
        """How many images the request asks for."""
        return len(self.outputs)

    @property
    def inputs(self) -> tuple[InputImage, ...]:
        """The images the request is made from, in the order of the parameters' names."""
        names = self.common.inputs
        params = self.params if names else {}
        return tuple([image for name in names for image in images_in(params[name])])


def images_in(value: Param) -> tuple[InputImage, ...]:
    """Return the input images of one parameter: one, several or none."""
    if isinstance(value, _IMAGES):
        return (value,)
    if type(value) is tuple:
        return tuple([item for item in value if isinstance(item, _IMAGES)])
    return ()

"""What the command line asks of `apply`."""

from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from specrun.cli.options import WishOptions
from specrun.model.run import Price
from specrun.model.shard import Shard
from specrun.plan.request import PlanRequest


class ApplyCommandOptions(WishOptions, frozen=True, kw_only=True):
    """What the command line asks of `apply`."""

    yes: bool
    jobs: int | None
    max_cost: tuple[Price, ...]
    max_images: int | None
    rehearse: bool
    locked: bool
    frozen: bool
    expect: str | None
    prune: bool
    shard: Shard | None
    executor: Literal["local", "ray"]
    address: str | None
    junit: Path | None
    log_file: Path | None
    gallery: bool
    json: bool

    def request(self, spec: Path) -> PlanRequest:
        """Return the request to plan one of the specs."""
        return replace(WishOptions.request(self, spec), shard=self.shard)

    @property
    def plain(self) -> bool:
        """Whether it is enough to say that everything is kept."""
        asked = (
            self.rehearse,
            self.locked,
            self.expect,
            self.address,
            self.prune,
            self.junit,
            self.log_file,
            self.gallery,
            self.json,
        )
        return not any(asked) and self.executor == "local"

    @property
    def saved(self) -> bool:
        """Whether saved plans are to be applied, not specs."""
        return any(path.suffix == ".json" for path in self.specs)

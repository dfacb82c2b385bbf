"""The project: where things stand and whom to ask."""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path

import msgspec

from specrun.model.run import Price

# The folder of what a project remembers, in its root.
STATE = ".specrun"


class Dialect(Enum):
    """How a server wants the seed's request to be said."""

    SEED = "seed"


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One server; only `name` is identity. `timeout` and `retry_for` are seconds, `rpm` requests a minute.

    `base_url` None means the embedded sandbox, in-process.
    """

    name: str
    base_url: str | None
    api_key_env: str | None = None
    concurrency: int = 8
    rpm: int | None = None
    timeout: float = 300.0
    retry_for: float = 600.0
    dialect: Dialect = Dialect.SEED
    allow_private: bool = False

    @property
    def free(self) -> bool:
        """Whether asking costs nothing, so that what was lost may simply be asked for again."""
        return self.base_url is None


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """The most that one apply may spend: by currency, and in images."""

    cost: tuple[Price, ...] = ()
    images: int | None = None


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The store that a team shares: its address, and whether images are put there or only had from it."""

    url: str
    writable: bool = True


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A project: its folder, its providers, its limits; `prices` are its own, by model id, for one image.

    `allow_outside` says that outputs and state may stand out of the folder, where links lead.
    """

    root: Path
    providers: Mapping[str, Provider]
    default_provider: str = "modelverse"
    outputs: Path
    budget: Budget = msgspec.field(default_factory=Budget)
    prices: Mapping[str, Price] = msgspec.field(default_factory=dict)
    store: StoreSettings | None = None
    allow_outside: bool = False
    digest: str | None = None

    @property
    def state(self) -> Path:
        """The folder of store, ledger and rehearsals, ignored by git."""
        return self.root / STATE

    @property
    def schemas(self) -> Path:
        """The project's own model schemas; need not exist."""
        return self.root / "schemas"

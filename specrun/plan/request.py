"""What to plan."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from specrun import __version__
from specrun.canonical import Json, canonical_digest
from specrun.diagnostics import Diagnostic, UsageError
from specrun.model.plan import Asked
from specrun.model.shard import Shard
from specrun.spec.name import ENVIRONMENT_PREFIX, usable_name


class PlanRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to plan: a spec, its variables' overrides, and what the command line adds.

    `values` are overrides as a saved plan has them, beside `vars` as typed; `targets` and `replace` are selectors;
    `name` makes a variant with a lock and outputs of its own; `urls` are digests of input URLs that have just been
    fetched; `upgrade` lets go of the schema defaults and URLs that the lock pins; `shard` leaves only that machine's
    runs.
    """

    spec: Path
    vars: tuple[tuple[str, str], ...] = ()
    values: Mapping[str, Json] = msgspec.field(default_factory=dict)
    var_files: tuple[Path, ...] = ()
    environment: Mapping[str, str] = msgspec.field(default_factory=lambda: dict(os.environ))
    name: str | None = None
    targets: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    retry_unknown: bool = False
    regenerate_lost: bool = False
    urls: Mapping[str, str] = msgspec.field(default_factory=dict)
    upgrade: bool = False
    shard: Shard | None = None

    def __post_init__(self) -> None:
        """Refuse a name that no folder could have; raises `UsageError`."""
        if self.name is not None and not usable_name(self.name):
            hint = "use letters, digits, . _ - and start with a letter or digit"
            detail = (
                f'--name "{self.name}" cannot name a variant: its lock and its folder of outputs are called after it'
            )
            raise UsageError(Diagnostic(summary="unusable name", detail=detail, hint=hint))

    @property
    def context(self) -> str | None:
        """What stands for the program, the spec and the command line.

        None where more is asked than what is left to do, or where variables come from what can be read only once.
        """
        if self.targets or self.replace or self.retry_unknown or self.regenerate_lost:
            return None
        if self.urls or self.upgrade or self.shard is not None:
            return None
        if not all(path.is_file() for path in self.var_files):
            return None
        told = {name: text for name, text in self.environment.items() if name.startswith(ENVIRONMENT_PREFIX)}
        return canonical_digest(
            {
                "specrun": __version__,
                # By which way, and not only which: lock and project are found from there.
                "spec": str(self.spec.absolute()),
                "name": self.name,
                "vars": self.vars,
                "values": self.values,
                "var_files": [str(path.absolute()) for path in self.var_files],
                "environment": told,
            }
        )


def request_of(asked: Asked, spec: Path) -> PlanRequest:
    """Return the request that makes a saved plan again; the environment of today has no say in it."""
    return PlanRequest(
        spec=spec,
        values=asked.vars,
        environment={},
        name=asked.variant,
        targets=asked.targets,
        replace=asked.replace,
        retry_unknown=asked.retry_unknown,
        regenerate_lost=asked.regenerate_lost,
    )

"""What an apply tells whoever watches: each event a value, in the order things happen."""

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from specrun.diagnostics import Diagnostic
from specrun.model.lock import State
from specrun.model.money import Figures, Sum
from specrun.model.run import Price


class How(Enum):
    """Where a run's images came from."""

    REQUESTED = "requested"  # asked for and received
    SHARED = "shared"  # another run of this apply, or another spec, asked for the same
    RESTORED = "restored"  # from the store
    REPLACED = "replaced"  # from the store, for a request that has changed
    MOVED = "moved"  # from the store or their old file, to a new path
    KEPT = "kept"  # nothing to do


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """The spec is held and checked; at most `requests` will be sent."""

    spec: str
    name: str
    requests: int
    images: int
    cost: tuple[Price, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovered:
    """What an earlier apply left open when it ended: addresses by what became of their requests."""

    received: tuple[str, ...]
    unknown: tuple[str, ...]
    unsent: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """The same request is under way for another spec; its outcome serves this run too."""

    address: str
    spec: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A request leaves; `attempt` counts from 1."""

    address: str
    attempt: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Resending:
    """An attempt was not billed and will be made again, for at most `retry_for` seconds since the first.

    That is the first of all runs where the server was never `reached`, else of this one. `base_url` is where it is
    sent, empty for the sandbox.
    """

    address: str
    attempt: int
    cause: str
    status: int | None
    request_id: str
    provider: str = ""
    base_url: str = ""
    retry_for: float = 0.0
    reached: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class RunDone:
    """A run's images stand at `files`, paths below the outputs folder."""

    address: str
    how: How
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunHeld:
    """A run must not be asked for again unasked.

    `spent` was paid for the images that came, of which there are `came`, `wasted` for those that did not, and `stake`
    may have been paid; `unpriced` counts images of unknown price. All are empty where a run before this one is held by
    the same request. `free` says that whoever was asked takes nothing, and `linked` that images which did not come have
    URLs, which the next apply follows.
    """

    address: str
    state: State
    cause: str
    request_id: str
    stake: Price | None
    spent: Price | None = None
    wasted: Price | None = None
    unpriced: int = 0
    came: int = 0
    free: bool = False
    linked: bool = False

    @property
    def figures(self) -> Figures:
        """What its request came to."""
        perhaps = self.unpriced if self.state is State.UNKNOWN else 0
        had = min(self.came, self.unpriced - perhaps)
        return Figures(
            had=Sum(prices=_some(self.spent), unpriced=had),
            lost=Sum(prices=_some(self.wasted), unpriced=self.unpriced - perhaps - had),
            perhaps=Sum(prices=_some(self.stake), unpriced=perhaps),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFailed:
    """A run was not made and not billed; the next apply tries again."""

    address: str
    cause: str
    hint: str
    request_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RunBlocked:
    """A run could not be asked for because the run `by`, whose image it takes, has none."""

    address: str
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Warned:
    """Something is not as asked for; said once a job."""

    job: str
    diagnostic: Diagnostic


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopping:
    """Nothing more is sent; what is in flight is awaited."""

    cause: str
    hint: str
    interrupted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """What an apply came to. `requests` counts what left this machine, resends included.

    `spent` was paid for the images that came of this apply's requests, `wasted` for those that did not, and `stake` may
    have been paid; `unpriced` counts all their images of unknown price, `wasted_unpriced` and `stake_unpriced` those of
    two classes. `earlier` is what the runs came to that were held before. `unshared` counts images that a shared store
    should have and has not.
    """

    requests: int
    made: int
    delivered: int
    kept: int
    failed: tuple[str, ...]
    held: tuple[str, ...]
    blocked: tuple[str, ...]
    not_started: int
    spent: tuple[Price, ...]
    stake: tuple[Price, ...]
    unpriced: int
    interrupted: bool
    unshared: int = 0
    wasted: tuple[Price, ...] = ()
    wasted_unpriced: int = 0
    stake_unpriced: int = 0
    earlier: Figures = field(default_factory=Figures)

    @property
    def figures(self) -> Figures:
        """What this apply's requests came to."""
        had = self.unpriced - self.wasted_unpriced - self.stake_unpriced
        return Figures(
            had=Sum(prices=self.spent, unpriced=had),
            lost=Sum(prices=self.wasted, unpriced=self.wasted_unpriced),
            perhaps=Sum(prices=self.stake, unpriced=self.stake_unpriced),
        )

    @property
    def exit_code(self) -> int:
        """0 where everything is as the spec wants it, 130 after an interruption, else 1."""
        if self.interrupted:
            return 130
        return 1 if self.failed or self.held or self.blocked or self.not_started or self.unshared else 0


def _some(price: Price | None) -> tuple[Price, ...]:
    return () if price is None else (price,)


Event: TypeAlias = (
    Started
    | Recovered
    | Waiting
    | Sent
    | Resending
    | RunDone
    | RunHeld
    | RunFailed
    | RunBlocked
    | Warned
    | Stopping
    | Finished
)

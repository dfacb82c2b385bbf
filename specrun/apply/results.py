"""What became of one run: a closed set of types, to be narrowed by `match`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from specrun.apply.events import How
from specrun.model.held import HeldRun
from specrun.model.lock import LockedOutput, LockRow, State
from specrun.model.provenance import Stamp


@dataclass(frozen=True, kw_only=True, slots=True)
class Obtained:
    """Images that are durable in the store, by their index, not yet delivered; `origin` is the row that had them.

    `fresh` holds the bytes, by digest, of those that have just come.
    """

    request_digest: str | None
    take: int
    blobs: tuple[tuple[int, str], ...]
    how: How
    origin: LockRow | None = None
    fresh: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """Images that stand at their paths; `stamp` says how their files were made."""

    request_digest: str | None
    take: int
    outputs: tuple[LockedOutput, ...]
    how: How
    stamp: Stamp | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Not to be asked for again unasked; `blobs` are the good images of a partial reply, `outputs` once delivered.

    `asked` is set where this apply sent the request; `was` says how it was held before, where that is another request
    than the run's by now. `linked` is set where images that did not come have URLs, which the next apply follows.
    """

    state: State
    cause: str
    request_digest: str | None
    take: int
    request_id: str = ""
    blobs: tuple[tuple[int, str], ...] = ()
    outputs: tuple[LockedOutput, ...] = ()
    stamp: Stamp | None = None
    asked: bool = False
    was: HeldRun | None = None
    linked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """Not made; `hint` says what a person can do. `paid` is set where this apply paid for images that it has kept."""

    cause: str
    hint: str = ""
    request_id: str = ""
    paid: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Blocked:
    """Its input has no image: the run `by` was not made."""

    by: str


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The apply stopped before this run's turn."""


Result: TypeAlias = Done | Held | Failed | Blocked | NotStarted

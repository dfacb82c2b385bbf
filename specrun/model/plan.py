"""The plan: ordered actions that would make the world match the spec."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

from specrun.canonical import Json, digest
from specrun.diagnostics import Diagnostic
from specrun.model.held import HeldRun, Place, var_word
from specrun.model.lock import Lock, LockRow
from specrun.model.project import Budget
from specrun.model.provenance import ProvenanceSettings
from specrun.model.run import Common, Price, Run
from specrun.model.shard import Shard


class Verb(Enum):
    """What is done about one run."""

    CREATE = "create"
    REPLACE = "replace"
    RESTORE = "restore"
    MOVE = "move"
    KEEP = "keep"
    LOST = "lost"
    HELD = "held"
    ORPHAN = "orphan"
    BLOCKED = "blocked"

    # Members are singletons; a plan counts 100,000 of them.
    __hash__ = object.__hash__

    @property
    def asks(self) -> bool:
        """Whether the action gives a run new images: by a request, unless they were made already."""
        return self in ASKING

    @property
    def pending(self) -> bool:
        """Whether the action counts as a change for `plan --detailed-exitcode`."""
        return self not in (Verb.KEEP, Verb.ORPHAN)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One field that differs from what was locked; None stands for absent."""

    field: str
    old: Json
    new: Json


ASKING = frozenset((Verb.CREATE, Verb.REPLACE))
_SERVED = frozenset((Verb.KEEP, Verb.RESTORE, Verb.MOVE))
# What brings images to their paths.
DELIVERING = ASKING | {Verb.RESTORE, Verb.MOVE}


# A struct for the same reason as `Run`.
class Action(msgspec.Struct, frozen=True, gc=False):
    """One line of the plan. `run` is None for orphans, `row` None where nothing was locked.

    `shares` names the action, earlier in the plan, whose request also serves this run. `take` is the take that
    a request would be sent with. `origin` is the lock row (perhaps under another address) whose images serve.
    `made` are images, by index, that were made before and that serve as well as new ones would: no request. `takes`
    are addresses that the spec no longer has and whose rows are this action's from now on. `held` says how a run is
    held, or an orphan was.
    """

    verb: Verb
    address: str
    reason: str
    run: Run | None = None
    row: LockRow | None = None
    changes: tuple[Change, ...] = ()
    shares: str | None = None
    take: int = 1
    origin: LockRow | None = None
    made: tuple[tuple[int, str], ...] = ()
    takes: tuple[str, ...] = ()
    held: HeldRun | None = None

    @property
    def key(self) -> str | None:
        """The key wanted, or for an orphan the key it was made under."""
        return self.run.key if self.run is not None else self.row.key if self.row is not None else None

    @property
    def asks(self) -> bool:
        """Whether only a request brings the images, be it this action's or an earlier one's."""
        return self.verb in ASKING and not self.made

    @property
    def requested(self) -> bool:
        """Whether this very action sends a request: not where an earlier one serves it too."""
        return self.shares is None and self.asks

    @property
    def images(self) -> Mapping[int, str]:
        """The blobs, by index, that the run is known to have once this is done; none where only that will tell."""
        if self.made or self.verb not in _SERVED:
            return dict(self.made)
        rows = (row for row in (self.row, self.origin) if row is not None and row.key == self.key)
        return {output.index: output.blob for row in rows for output in row.outputs}


class AskedFor(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests, for how many images, some runs send that have `common` in common."""

    common: Common
    requests: int
    images: int


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan comes to; `unpriced` counts images whose price nobody knows, `asked` says of whom they are asked."""

    actions: Mapping[Verb, int]
    requests: int
    images: int
    cost: tuple[Price, ...]
    unpriced: int
    asked: tuple[AskedFor, ...] = ()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line added to the spec: enough to make the same plan again.

    `vars` holds the values of overridden variables, `targets` and `replace` are selectors.
    """

    variant: str | None = None
    vars: Mapping[str, Any] = msgspec.field(default_factory=dict)
    targets: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    retry_unknown: bool = False
    regenerate_lost: bool = False


class Reads(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan was read from beside lock and outputs: files, and patterns that were looked for in folders."""

    files: tuple[Path, ...] = ()
    globs: tuple[tuple[Path, str], ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All actions for one spec, in order, with the digests of what they were decided from.

    `sources` maps what a person calls an input (spec, files, vars, schemas, project) to its digest, `lock` is the one
    more; `budget` is the spec's own, beside the project's; `quotas` are the images that models give free, by model id.
    With a `shard` the actions are only that machine's.
    """

    spec: Path
    name: str
    actions: tuple[Action, ...]
    totals: Totals
    sources: Mapping[str, str] = msgspec.field(default_factory=dict)
    lock: Lock | None = None
    asked: Asked = msgspec.field(default_factory=Asked)
    budget: Budget = msgspec.field(default_factory=Budget)
    files: Mapping[str, str] = msgspec.field(default_factory=dict)
    vars: Mapping[str, str] = msgspec.field(default_factory=dict)
    reads: Reads = msgspec.field(default_factory=Reads)
    quotas: Mapping[str, int] = msgspec.field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()
    provenance: ProvenanceSettings = msgspec.field(default_factory=ProvenanceSettings)
    shard: Shard | None = None

    @property
    def place(self) -> Place:
        """How the spec is named to a command that is to see it as this plan does."""
        given = tuple(var_word(name, value) for name, value in sorted(self.asked.vars.items()))
        return Place(spec=self.spec.as_posix(), variant=self.asked.variant, vars=given)

    @property
    def bound(self) -> Mapping[str, str]:
        """The digests of everything that the plan follows from, by what a person calls it, in order."""
        # A line a row: canonical JSON of 100,000 rows would take longer than the plan.
        rows = () if self.lock is None else self.lock.rows.values()
        pins = sorted([f"{row.address} {row.key} {row.take}" for row in rows])
        return dict(sorted({**self.sources, "lock": digest("\n".join(pins))}.items()))

    @property
    def digest(self) -> str:
        """What a reviewer approves: the inputs and the requests, not which images this machine happens to hold."""
        requests = [f"{action.address} {action.key} {action.take}" for action in self.actions if action.requested]
        inputs = [f"{name} {found}" for name, found in self.bound.items()]
        return digest("\n".join([*inputs, "", *requests]))


def _asked_for(actions: Iterable[Action]) -> tuple[AskedFor, ...]:
    """Return what a plan asks for: every request once, every image it asks for; in the order of the plan."""
    asking = (action for action in actions if action.shares is None and action.verb in ASKING and not action.made)
    runs = [action.run for action in asking if action.run is not None]
    commons = list(map(attrgetter("common"), runs))
    by_id = dict(zip(map(id, commons), commons, strict=True))
    counts = Counter(zip(map(id, commons), map(len, map(attrgetter("outputs"), runs)), strict=True))
    requests, images = dict.fromkeys(by_id, 0), dict.fromkeys(by_id, 0)
    for (which, each), number in counts.items():
        requests[which] += number
        images[which] += number * each
    return tuple(
        AskedFor(common=common, requests=requests[which], images=images[which]) for which, common in by_id.items()
    )


def total(actions: Sequence[Action]) -> Totals:
    """Add up a plan."""
    counts = Counter(map(attrgetter("verb"), actions))
    unpriced = 0
    cost: dict[str, Decimal] = {}
    asked = _asked_for(actions) if ASKING & counts.keys() else ()
    for each in asked:
        price = each.common.price
        if price is None:
            unpriced += each.images
        else:
            cost[price.currency] = cost.get(price.currency, Decimal(0)) + price.amount * each.images
    return Totals(
        actions={verb: counts[verb] for verb in Verb},
        requests=sum(each.requests for each in asked),
        images=sum(each.images for each in asked),
        cost=tuple(Price(amount=cost[currency], currency=currency) for currency in sorted(cost)),
        unpriced=unpriced,
        asked=asked,
    )

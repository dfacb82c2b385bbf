"""When to stop asking: one cause has met several requests in a row, and none succeeded between them.

Requests are counted by provider, by model and by job: what a model is too slow for says nothing against the others,
and what one job's params are refused for nothing against another job's. A cause ends the narrowest of these that it
fills, and the next wider one as soon as it is seen in two parts of it. What may be paid for and brings no image is
counted together as well, so that causes which take turns, or which a server words anew each time, spend no more.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from specrun.apply.cause import Cause, Kind

# So many in a row are no accident.
HANDFUL: Final = 5
# So many in a row that may be paid for, and that bring no image, are none either, whatever the causes.
VAIN: Final = 2 * HANDFUL
# So many may be under way to a provider that has not answered well yet, and so be lost at once.
UNPROVEN: Final = 8

# From the wide to the narrow: (), then the model, then the job. Any beginning of a scope is a scope.
Scope: TypeAlias = tuple[str, ...]

# What requests have in common that are counted together: a cause's kind and mark, or None for all that was in vain.
_Mark: TypeAlias = tuple[Kind, str] | None


@dataclass(kw_only=True, slots=True)
class Turn:
    """A request that has leave to be sent; `at` is when it left, by the breaker's clock."""

    scope: Scope
    at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """A cause that has met `requests` in a row, for all of a scope; the last of several where they are `mixed`."""

    scope: Scope
    cause: Cause
    requests: int
    mixed: bool = False


@dataclass(kw_only=True, slots=True)
class _Streak:
    """What one cause has met in a row: `parts` of the scope; `again` where one was sent after the first was lost."""

    began: int
    count: int = 0
    parts: set[Scope] = field(default_factory=set)
    again: bool = False


@dataclass(kw_only=True, slots=True)
class _Record:
    """What is known of a scope: when a reply with images came last, and when images that could be used did."""

    answered: int = 0
    succeeded: int = 0
    streaks: dict[_Mark, _Streak] = field(default_factory=dict)
    broken: Broken | None = None


class Breaker:
    """Counts what the requests to one provider come to; of all that one command applies."""

    def __init__(self) -> None:
        self._now = 0
        self._records: dict[Scope, _Record] = defaultdict(_Record)

    @property
    def room(self) -> int | None:
        """How many requests may be under way: None for any number, few while nobody knows whether one succeeds."""
        whole = self._records[()]
        longest = max((streak.count for streak in whole.streaks.values()), default=0)
        return None if whole.succeeded and not longest else max(1, UNPROVEN - longest)

    def start(self, scope: Scope) -> Turn:
        """Return a request's turn, as if it left at once."""
        return Turn(scope=scope, at=self._tick())

    def leaves(self, turn: Turn) -> None:
        """Note that a request leaves only now: what was lost while it waited, it could have heeded."""
        turn.at = self._tick()

    def answered(self, turn: Turn) -> None:
        """Note that a reply with images has come; of what they are worth nobody knows yet."""
        now = self._tick()
        for scope in _around(turn.scope):
            record = self._records[scope]
            record.answered = now
            # Not once they are stored: what is lost meanwhile is lost after this.
            for mark in [mark for mark in record.streaks if mark is not None and mark[0] is not Kind.IMAGES]:
                del record.streaks[mark]

    def succeeded(self, turn: Turn) -> None:
        """Note that the images of a request can be used."""
        now = self._tick()
        for scope in _around(turn.scope):
            record = self._records[scope]
            record.succeeded = now
            for mark in [mark for mark in record.streaks if mark is None or mark[0] is Kind.IMAGES]:
                del record.streaks[mark]

    def lost(self, turn: Turn, cause: Cause) -> Broken | None:
        """Note what a request came to; return what that breaks, the widest, where it was not broken before."""
        now = self._tick()
        broke = self._counted(turn, cause, now, (cause.kind, cause.mark))
        if cause.vain:
            return self._counted(turn, cause, now, None) or broke
        if cause.kind is Kind.IMAGES:
            # Some of its images came.
            for scope in _around(turn.scope):
                self._records[scope].streaks.pop(None, None)
        return broke

    def _counted(self, turn: Turn, cause: Cause, now: int, mark: _Mark) -> Broken | None:
        """Count a request under a mark; return what that breaks, the widest, where it was not broken before."""
        narrowest = turn.scope if mark is not None and cause.kind.of_request else turn.scope[:1]
        broke = None
        for scope in _around(narrowest):
            record = self._records[scope]
            streak = record.streaks.setdefault(mark, _Streak(began=now))
            streak.count += 1
            streak.parts.add(turn.scope[: len(scope) + 1])
            streak.again |= turn.at > streak.began
            leaf = scope == narrowest
            breaks = (
                _in_vain(record, streak, leaf=leaf) if mark is None else _breaks(record, streak, turn, cause, leaf=leaf)
            )
            if record.broken is None and breaks:
                record.broken = Broken(scope=scope, cause=cause, requests=streak.count, mixed=mark is None)
                broke = broke or record.broken
        return broke

    def broken(self, scope: Scope) -> Broken | None:
        """Return why nothing more is sent for a scope, None where it is."""
        found = (self._records[each].broken for each in _around(scope) if each in self._records)
        return next((broken for broken in found if broken is not None), None)

    def _tick(self) -> int:
        self._now += 1
        return self._now


def _breaks(record: _Record, streak: _Streak, turn: Turn, cause: Cause, *, leaf: bool) -> bool:
    if cause.kind is Kind.DOOMED:
        return not leaf
    if cause.kind is Kind.UNREACHED and not leaf:
        # One waits for as long as `retry_for` to learn that; nobody is to wait for it again and again.
        return record.answered < turn.at
    # What one lost connection took along is one accident, where others had succeeded before.
    new = streak.again or not (record.succeeded if cause.kind is Kind.IMAGES else record.answered)
    return streak.count >= HANDFUL and new and (leaf or len(streak.parts) > 1)


def _in_vain(record: _Record, streak: _Streak, *, leaf: bool) -> bool:
    return streak.count >= VAIN and (streak.again or not record.succeeded) and (leaf or len(streak.parts) > 1)


def _around(scope: Scope) -> Iterator[Scope]:
    """Yield a scope and all it lies in, the widest first."""
    yield from (scope[:depth] for depth in range(len(scope) + 1))


class Breakers:
    """The breakers of all providers, by name."""

    def __init__(self) -> None:
        self._breakers: dict[str, Breaker] = defaultdict(Breaker)

    def of(self, provider: str) -> Breaker:
        """Return a provider's breaker."""
        return self._breakers[provider]

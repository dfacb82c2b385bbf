"""What a spec's attempts come to: requests, images, money, time and trouble, by model, by job and over time."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from specrun.model.address import job_in
from specrun.model.money import Figures, counted
from specrun.store.attempts import Attempt, AttemptState

_BILLED: Final = (AttemptState.RECEIVED, AttemptState.PARTIAL, AttemptState.UNUSABLE)
# Time is parted by the first of these, in hours, that makes at most `_MOST_PERIODS` parts.
_STEPS: Final = (1, 6, 24, 24 * 7, 24 * 28, 24 * 364)
_MOST_PERIODS: Final = 48


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What some attempts come to. `seconds` are the times that answered requests took, shortest first.

    `figures` are the money, at the prices of the time.
    """

    name: str
    requests: int
    images: int
    failed: int
    held: int
    figures: Figures
    seconds: tuple[float, ...]

    def quantile(self, share: float) -> float | None:
        """Return the time within which this share of the requests was answered; None where none was."""
        if not self.seconds:
            return None
        return self.seconds[min(len(self.seconds) - 1, math.ceil(share * len(self.seconds)) - 1)]


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time, from `start` (UTC), and how the requests ended that were sent in it."""

    start: datetime
    made: int = 0
    held: int = 0
    failed: int = 0


class History(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `causes` says why requests failed or are held, and how often, the most frequent first."""

    spec: str
    total: Account
    models: tuple[Account, ...]
    jobs: tuple[Account, ...]
    periods: tuple[Period, ...]
    hours: int
    causes: tuple[tuple[str, int], ...]


def history_of(spec: str, attempts: Sequence[Attempt]) -> History:
    """Add up the attempts for one spec; what never left this machine does not count."""
    sent = [attempt for attempt in attempts if attempt.sent_at is not None]
    periods, hours = _periods(sent)
    troubled = Counter(_cause(attempt) for attempt in sent if _failed(attempt) or attempt.state.held)
    return History(
        spec=spec,
        total=_account("all", sent),
        models=_accounts(sent, lambda attempt: attempt.intent.model),
        jobs=_accounts(sent, lambda attempt: job_in(attempt.intent.address)),
        periods=periods,
        hours=hours,
        causes=tuple(sorted(troubled.items(), key=lambda item: (-item[1], item[0]))),
    )


def _accounts(attempts: Iterable[Attempt], name: Callable[[Attempt], str]) -> tuple[Account, ...]:
    parted: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        parted.setdefault(name(attempt), []).append(attempt)
    return tuple(_account(each, parted[each]) for each in sorted(parted))


def _account(name: str, attempts: Sequence[Attempt]) -> Account:
    billed = [attempt for attempt in attempts if attempt.state in _BILLED]
    took = (
        attempt.ended_at - attempt.sent_at
        for attempt in billed
        if attempt.ended_at is not None and attempt.sent_at is not None
    )
    return Account(
        name=name,
        requests=len(attempts),
        images=sum(attempt.paid.had for attempt in billed),
        failed=sum(_failed(attempt) for attempt in attempts),
        held=sum(attempt.state.held is not None for attempt in attempts),
        figures=counted((attempt.paid, attempt.intent.price) for attempt in attempts),
        seconds=tuple(sorted(took)),
    )


def _failed(attempt: Attempt) -> bool:
    return attempt.state is AttemptState.FAILED


def _cause(attempt: Attempt) -> str:
    status = f"{attempt.ending.status} " if attempt.ending.status is not None else ""
    return f"{status}{attempt.ending.cause or attempt.state.value}"


def _periods(attempts: Sequence[Attempt]) -> tuple[tuple[Period, ...], int]:
    """Part the time from the first to the last request, and say how many hours a part is."""
    times = [attempt.sent_at for attempt in attempts if attempt.sent_at is not None]
    if not times:
        return (), _STEPS[0]
    spans = ((max(times) // (3600 * hours) - min(times) // (3600 * hours) + 1, hours) for hours in _STEPS)
    hours = next((hours for parts, hours in spans if parts <= _MOST_PERIODS), _STEPS[-1])
    counts: dict[int, Counter[str]] = {}
    for attempt, when in zip(attempts, times, strict=True):
        counts.setdefault(int(when // (3600 * hours)), Counter())[_ended(attempt)] += 1
    every = range(min(counts), max(counts) + 1)
    return tuple(_period(number, hours, counts.get(number, Counter())) for number in every), hours


def _period(number: int, hours: int, counts: Mapping[str, int]) -> Period:
    start = datetime.fromtimestamp(0, UTC) + timedelta(hours=number * hours)
    return Period(start=start, made=counts["made"], held=counts["held"], failed=counts["failed"])


def _ended(attempt: Attempt) -> str:
    if attempt.state is AttemptState.RECEIVED:
        return "made"
    return "failed" if _failed(attempt) else "held"

"""What the attempts so far mean for a request that is wanted: made, held back, under way, or free to be sent."""

from collections.abc import Collection, Iterable
from typing import TypeAlias

import msgspec

from specrun.store.attempts import Attempt, AttemptState


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """The images are here; nothing need be sent."""

    attempt: Attempt


class HeldBack(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt ended so that nobody may send again unasked."""

    attempt: Attempt


class UnderWay(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt has not ended."""

    attempt: Attempt


class Free(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing stands against sending."""


Standing: TypeAlias = Made | HeldBack | UnderWay | Free


def standing(attempts: Iterable[Attempt], take: int, ignoring: Collection[int] = ()) -> Standing:
    """Judge the attempts at one request digest for someone who wants it at this take.

    A later take serves an earlier one, never the other way round. What was made counts first, since a resend may
    have settled an unknown; then what is under way, since it may; and what is held before what failed, since the
    failure of a resend says nothing of the attempt before it. `ignoring` are ids of attempts known not to serve.
    """
    counting = [attempt for attempt in attempts if attempt.intent.take >= take and attempt.id not in ignoring]
    for attempt in reversed(counting):
        if attempt.state is AttemptState.RECEIVED:
            return Made(attempt=attempt)
    for attempt in reversed(counting):
        if attempt.state.open:
            return UnderWay(attempt=attempt)
    for attempt in reversed(counting):
        if attempt.state.held:
            return HeldBack(attempt=attempt)
    return Free()

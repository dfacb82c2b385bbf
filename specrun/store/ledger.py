"""The ledger: the durable record of every attempt, intent before and outcome after."""

import sqlite3
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec
from msgspec.structs import replace

from specrun.store import ledger_rows
from specrun.store.attempts import Attempt, AttemptState, Ending, Intent, StoredImage
from specrun.store.blobs import Blobs
from specrun.store.group_commit import GroupCommit, Work
from specrun.store.hold import held
from specrun.store.ledger_schema import explained, open_for_writing
from specrun.store.standing import Free, HeldBack, Made, Standing, UnderWay, standing

T = TypeVar("T")
R = TypeVar("R")

_LEFT_BEHIND = "specrun ended before the reply came"
_NEVER_SENT = "specrun ended before it was sent"


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """The request is ours to send: the intent is durable under this attempt's id."""

    attempt: int


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """What an apply that died left open: images found in the store, intents never sent, requests nobody knows of."""

    received: tuple[Attempt, ...] = ()
    unsent: tuple[Attempt, ...] = ()
    unknown: tuple[Attempt, ...] = ()


class Ledger:
    """The ledger opened for writing; closing it is the owner's business.

    `holds` is the folder of holds, which tells whether the owner of an open attempt is alive; `blobs` tells whether
    what had arrived is stored. Every method returns once its change is durable; raises `LedgerError` where it cannot.
    """

    def __init__(self, path: Path, holds: Path, blobs: Blobs) -> None:
        self._path = path
        self._holds = holds
        self._blobs = blobs
        self._commits = GroupCommit(open_for_writing(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish what is being written, and close."""
        self._commits.close()

    async def claim(self, intent: Intent, ignoring: Collection[int] = ()) -> Granted | Made | HeldBack | UnderWay:
        """Write the intent down unless an attempt by anyone in the project stands against it; say which."""
        return await self._together(self._claim_all, (intent, ignoring))

    async def look(self, intent: Intent) -> Standing:
        """Return what stands against an intent, without writing it down."""
        return await self._durably(lambda connection: self._look(connection, intent, ()))

    async def sent(self, attempt: int) -> None:
        """From here on the request may have been billed."""
        await self._together(_mark_sent, attempt)

    async def linked(self, attempt: int, links: Sequence[tuple[int, str]]) -> None:
        """Keep where the images of a reply can be fetched, so that a kill or a failed download costs no new request."""
        await self._durably(lambda connection: ledger_rows.mark_linked(connection, attempt, links))

    def arrived(self, arrivals: Sequence[tuple[int, Sequence[StoredImage]]]) -> None:
        """Say, by attempt, which images are about to be stored, so that a kill in between cannot orphan them."""
        self._now(lambda connection: ledger_rows.mark_arrived(connection, arrivals))

    def ended_all(self, endings: Sequence[tuple[int, Ending]]) -> None:
        """Say what came of attempts; images must be durable in the store before they count as received."""
        self._now(lambda connection: ledger_rows.mark_ended(connection, endings, time.time()))

    async def ended(self, attempt: int, ending: Ending) -> None:
        """Say what came of an attempt that brought nothing to be stored."""
        await self._durably(lambda connection: ledger_rows.mark_ended(connection, [(attempt, ending)], time.time()))

    async def again(self, attempt: int, ending: Ending) -> int:
        """End an attempt that will be made again, and return the id of the next: the claim never lapses in between."""
        return await self._durably(lambda connection: ledger_rows.insert_next(connection, attempt, ending, time.time()))

    async def withdraw(self, attempt: int) -> None:
        """Take back an intent that was never sent."""
        await self._durably(lambda connection: ledger_rows.delete_unsent(connection, attempt))

    def latest(self) -> int:
        """Return the id of the latest attempt, 0 where there is none."""
        return self._now(ledger_rows.latest)

    def recover(self, hold: str) -> Recovery:
        """Settle what an apply that had this hold, and died, left open; call it while having the hold."""
        return self._now(lambda connection: self._recover(connection, hold))

    def settle(self, attempt: int, ending: Ending) -> None:
        """Say what a person found out about a held attempt."""
        self._now(lambda connection: ledger_rows.mark_ended(connection, [(attempt, ending)], time.time()))

    def answer(self, attempt: Attempt, ending: Ending, images: Sequence[StoredImage]) -> None:
        """Say that images, durable in the store already, answer an attempt that ended without; its time stays."""

        def whole(connection: sqlite3.Connection) -> None:
            ledger_rows.mark_arrived(connection, [(attempt.id, images)])
            ledger_rows.mark_ended(connection, [(attempt.id, ending)], attempt.ended_at or time.time())

        self._now(whole)

    def record(self, intent: Intent, ending: Ending, images: Sequence[StoredImage]) -> None:
        """Write down an attempt whose images, durable in the store already, came another way than by a request."""

        def whole(connection: sqlite3.Connection) -> None:
            (attempt,) = ledger_rows.insert(connection, [intent], time.time())
            ledger_rows.mark_arrived(connection, [(attempt, images)])
            ledger_rows.mark_ended(connection, [(attempt, ending)], time.time())

        self._now(whole)

    def _claim_all(
        self, connection: sqlite3.Connection, wanted: Sequence[tuple[Intent, Collection[int]]]
    ) -> list[Granted | Made | HeldBack | UnderWay]:
        digests = [intent.request_digest for intent, _ in wanted]
        known = {attempt.intent.request_digest for attempt in ledger_rows.attempts_at(connection, digests)}
        # Nearly all ask for what nobody has asked for yet; the others have theirs looked at one by one.
        new = {intent.request_digest: intent for intent, _ in wanted if intent.request_digest not in known}
        ids = dict(zip(new, ledger_rows.insert(connection, list(new.values()), time.time()), strict=True))
        return [
            Granted(attempt=ids[intent.request_digest])
            if new.get(intent.request_digest) is intent
            else self._claim(connection, intent, ignoring)
            for intent, ignoring in wanted
        ]

    def _claim(
        self, connection: sqlite3.Connection, intent: Intent, ignoring: Collection[int]
    ) -> Granted | Made | HeldBack | UnderWay:
        found = self._look(connection, intent, ignoring)
        if not isinstance(found, Free):
            return found
        (attempt,) = ledger_rows.insert(connection, [intent], time.time())
        return Granted(attempt=attempt)

    def _look(self, connection: sqlite3.Connection, intent: Intent, ignoring: Collection[int]) -> Standing:
        found = self._standing(connection, intent, ignoring)
        while isinstance(found, UnderWay) and self._left_behind(found.attempt, intent.hold):
            ending = self._what_became_of(found.attempt)
            if ending.state is AttemptState.UNKNOWN:
                # Not written down: the next apply of its own spec may find its images staged, and settle it better.
                return HeldBack(attempt=replace(found.attempt, ending=ending))
            ledger_rows.mark_ended(connection, [(found.attempt.id, ending)], time.time())
            found = self._standing(connection, intent, ignoring)
        return found

    def _standing(self, connection: sqlite3.Connection, intent: Intent, ignoring: Collection[int]) -> Standing:
        return standing(ledger_rows.attempts_at(connection, [intent.request_digest]), intent.take, ignoring)

    def _left_behind(self, attempt: Attempt, mine: str) -> bool:
        return attempt.intent.hold != mine and not held(self._holds, attempt.intent.hold)

    def _recover(self, connection: sqlite3.Connection, hold: str) -> Recovery:
        found: dict[AttemptState, list[Attempt]] = {}
        for attempt in ledger_rows.open_attempts(connection, hold):
            ending = self._what_became_of(attempt)
            ledger_rows.mark_ended(connection, [(attempt.id, ending)], time.time())
            found.setdefault(ending.state, []).append(replace(attempt, ending=ending))
        return Recovery(
            unsent=tuple(found.pop(AttemptState.FAILED, ())),
            unknown=tuple(found.pop(AttemptState.UNKNOWN, ())),
            received=tuple(attempt for attempts in found.values() for attempt in attempts),
        )

    def _what_became_of(self, attempt: Attempt) -> Ending:
        """Return how an attempt whose process is dead must have ended."""
        if attempt.state is AttemptState.INTENDED:
            return replace(attempt.ending, state=AttemptState.FAILED, cause=_NEVER_SENT)
        if attempt.images and all(self._blobs.has(image.blob) for image in attempt.images):
            whole = len(attempt.images) >= attempt.intent.images
            return replace(attempt.ending, state=AttemptState.RECEIVED if whole else AttemptState.PARTIAL)
        return replace(attempt.ending, state=AttemptState.UNKNOWN, cause=_LEFT_BEHIND)

    def _now(self, work: Callable[[sqlite3.Connection], R]) -> R:
        with explained(self._path):
            return self._commits.submit(lambda connection, _: [work(connection)], None).result()

    async def _durably(self, work: Callable[[sqlite3.Connection], R]) -> R:
        return await self._together(lambda connection, _: [work(connection)], None)

    async def _together(self, work: Work[T, R], item: T) -> R:
        """Have work done that is the same for many."""
        with explained(self._path):
            return await self._commits.done(work, item)


def _mark_sent(connection: sqlite3.Connection, attempts: Sequence[int]) -> list[None]:
    ledger_rows.mark_sent(connection, attempts, time.time())
    return [None] * len(attempts)

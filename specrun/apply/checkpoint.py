"""Lock and manifest written while an apply works, so that what git sees after a kill knows what was paid.

A run whose request has left and has no answer yet is held there as unknown, which is what it is once the process is
dead: whoever goes on from the lock alone must not ask for it again unasked. The next writing says what came of it.
The order is that of the end: an image is in the store before the ledger says so, and in the ledger before its row is
here; superseded files go before the lock forgets them; the manifest comes last.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import islice
from pathlib import Path

from msgspec.structs import replace

from specrun.apply.catch_up import catch_up, changed_sides, warn_of_changes
from specrun.apply.delivery import Delivery, Removed
from specrun.apply.group_writer import Draft
from specrun.apply.leave import warn_of_edited
from specrun.apply.listing import listed
from specrun.apply.record import row_of, standing_paths, superseded
from specrun.apply.results import Done, Held, NotStarted, Result
from specrun.apply.session import Session
from specrun.diagnostics import SpecrunError
from specrun.model.lock import Lock, LockedOutput, LockRow, State
from specrun.model.plan import Action, Verb
from specrun.model.request import request_digest
from specrun.store.lockfile import LockWriter
from specrun.store.manifest import write_manifest

# Seconds from one writing to the next, and how many times as long as a writing takes they are at least: so it takes
# some three percent of the time, however large the lock.
_LEAST, _SHARE = 1.0, 30
# Bytes a second at which a file that stands there is taken to be written again, before that is known.
_SPEED = 50_000_000


@asynccontextmanager
async def checkpoints(session: Session, delivery: Delivery) -> AsyncIterator[None]:
    """Write lock and manifest now and then while the block is at work; nothing is written any more once it ends."""
    ended = asyncio.Event()
    writing = asyncio.create_task(_Checkpoints(session, delivery).until(ended))
    try:
        yield
    finally:
        ended.set()
        await writing


class _Checkpoints:
    """The lock as it would be left now, without the pins of what has not begun; what of it is not written yet."""

    def __init__(self, session: Session, delivery: Delivery) -> None:
        place, before = session.place, session.lock_file.before
        self._session = session
        self._inputs = session.inputs()
        self._actions = {action.address: action for action in session.plan.actions}
        self._removal = _Removal(delivery)
        self._lock_writer = LockWriter(place.written_lock)
        self._lock_pace = _Pace(place.written_lock)
        self._manifest_pace = _Pace(place.outputs / place.written_manifest)
        rows = {} if before is None else before.rows
        self._rows = {address: rows[address] for address in rows if place.shard is None or address in self._actions}
        self._seen = 0
        self._under_way: frozenset[str] = frozenset()
        self._lock_behind = self._manifest_behind = False

    async def until(self, ended: asyncio.Event) -> None:
        """Write whenever something has changed and it is time, until the work has ended."""
        while not await _set_within(ended, self._lock_pace.wait):
            # What cannot be written now is written at the end, which says what is wrong where that still is so.
            with suppress(OSError, SpecrunError):
                await self._write()

    async def _write(self) -> None:
        loop, writers = asyncio.get_running_loop(), self._session.writers
        told = self._told()
        with self._lock_pace:
            await loop.run_in_executor(writers, self._take_over, told)
            if self._lock_behind:
                await self._remove_superseded(told)
                if await loop.run_in_executor(writers, self._write_lock):
                    warn_of_changes(self._session)
        if self._manifest_behind and not self._lock_behind and not self._manifest_pace.wait:
            with self._manifest_pace:
                await loop.run_in_executor(writers, self._write_manifest)

    def _told(self) -> Mapping[str, Result | None]:
        """Return what became of runs since the last time, by address: None for what has left for the server."""
        session = self._session
        told: dict[str, Result | None] = dict(islice(session.results.items(), self._seen, None))
        self._seen = len(session.results)
        under_way = frozenset(session.tally.under_way)
        told |= dict.fromkeys(under_way - self._under_way)
        told |= {address: NotStarted() for address in self._under_way - under_way if address not in session.results}
        self._under_way = under_way
        return told

    def _take_over(self, told: Mapping[str, Result | None]) -> None:
        """Bring the rows of these runs to where they are now."""
        before = self._session.lock_file.before
        for address, result in told.items():
            action = self._actions[address]
            if action.verb is Verb.KEEP:
                continue
            old = None if before is None else before.rows.get(address)
            self._put(address, self._row(action, old, result))
            if isinstance(result, (Done, Held)):
                for left in action.takes:
                    self._put(left, None)

    def _put(self, address: str, row: LockRow | None) -> None:
        if self._rows.get(address) == row:
            return
        self._lock_behind = self._manifest_behind = True
        if row is None:
            self._rows.pop(address, None)
        else:
            self._rows[address] = row

    def _row(self, action: Action, old: LockRow | None, result: Result | None) -> LockRow | None:
        """Return the row of a run that has a result, or whose request has left; else what it was before."""
        if result is None and action.run is not None:
            sent = request_digest(action.run, self._inputs.digest)
            result = Held(state=State.UNKNOWN, cause="", request_digest=sent, take=action.take)
        return row_of(action, old, result, self._inputs) if isinstance(result, (Done, Held)) else old

    async def _remove_superseded(self, told: Mapping[str, Result | None]) -> None:
        done = {address: result for address, result in told.items() if isinstance(result, Done)}
        standing = {output.path for result in done.values() for output in result.outputs}
        actions = [self._actions[address] for address in done]
        outputs = [output for output in superseded(actions, done) if output.path not in standing]
        if outputs:
            for path, why in (await self._session.group_writer.done(self._removal, (outputs, self._lock))).left:
                warn_of_edited(self._session, path, why)

    @property
    def _lock(self) -> Lock:
        plan = self._session.plan
        return Lock(spec=self._session.place.spec, name=plan.name, files=plan.files, vars=plan.vars, rows=self._rows)

    def _write_lock(self) -> bool:
        """Write the lock, joined with what others have changed in its file; say whether they have."""
        place, file = self._session.place, self._session.lock_file
        lock = joined = self._lock
        sides = changed_sides(place, file, lock)
        if sides:
            joined = catch_up(file, lock, sides)
            self._rows = dict(joined.rows)
        elif sides is not None and (file.said is not None or place.lock.exists()):
            # Somebody is writing it at this moment, or took it away: nothing of theirs is overwritten before the end.
            return False
        like = self._lock_writer.write(joined)
        if place.shard is None:
            file.wrote(place, replace(joined, rows=dict(joined.rows)), like)
        self._lock_behind = False
        return joined.rows != lock.rows if sides else False

    def _write_manifest(self) -> None:
        session = self._session
        manifest = listed(self._lock, session.plan, session.facts, session.prices.of)
        write_manifest(session.place.outputs, manifest, session.place.written_manifest)
        self._manifest_behind = False


class _Removal:
    """Superseded files removed in the thread that delivers, so that none is taken for what has just been delivered."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery

    def drafts(self, items: Sequence[tuple[Sequence[LockedOutput], Lock]]) -> list[Draft[Removed]]:
        """Remove, and return what was removed and what was left, with nothing to be written."""
        return [Draft(writes=(), result=self._delivery.remove(gone, standing_paths(lock))) for gone, lock in items]

    def written(self, results: Sequence[Removed]) -> None:
        """Nothing more to do."""


class _Pace:
    """When to write a file again; `with` around a writing tells how long that takes."""

    def __init__(self, file: Path) -> None:
        size = file.stat().st_size if file.is_file() else 0
        self._began = 0.0
        self._due = time.monotonic() + max(_LEAST, _SHARE * size / _SPEED)

    @property
    def wait(self) -> float:
        """The seconds that are left until then."""
        return max(0.0, self._due - time.monotonic())

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        now = time.monotonic()
        self._due = now + max(_LEAST, _SHARE * (now - self._began))


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event for so long; say whether it came."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await event.wait()
    return False

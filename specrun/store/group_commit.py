"""Many writers, one transaction: what arrives while the disk syncs is committed together by the next sync."""

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeAlias, TypeVar

from specrun.batches import Batches

T = TypeVar("T")
R = TypeVar("R")

# Does the same for each of many items, in one transaction, and returns a result for each.
Work: TypeAlias = Callable[[sqlite3.Connection, Sequence[T]], Sequence[R]]


class GroupCommit:
    """Runs work on a connection in a thread of its own; each item is done once what was done for it is durable.

    Items that wait for the same work are handed to it together. The connection is closed by `close`. After a failed
    commit the failure reaches everyone whose item was in it.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._batches: Batches[tuple[Work[Any, Any], Any], Any] = Batches(self._commit, name="ledger")

    def submit(self, work: Work[T, R], item: T) -> Future[R]:
        """Have `work` done for an item in the next transaction."""
        return self._batches.submit((work, item))

    async def done(self, work: Work[T, R], item: T) -> R:
        """Have `work` done in the next transaction, and return its result; done also if the caller is cancelled."""
        result: R = await self._batches.done((work, item))
        return result

    def close(self) -> None:
        """Finish what was submitted, then close the connection."""
        self._batches.close()
        self._connection.close()

    def _commit(self, batch: Sequence[tuple[Work[Any, Any], Any]]) -> list[Any]:
        places: dict[Work[Any, Any], list[int]] = {}
        for place, (work, _) in enumerate(batch):
            places.setdefault(work, []).append(place)
        results: list[Any] = [None] * len(batch)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for work, those in places.items():
                done = work(self._connection, [batch[place][1] for place in those])
                for place, result in zip(those, done, strict=True):
                    results[place] = result
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return results

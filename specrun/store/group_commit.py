"""Many writers, one transaction: what arrives while the disk syncs is committed together by the next sync."""

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from specrun.batches import Batches

T = TypeVar("T")


class GroupCommit:
    """Runs functions on a connection in a thread of its own; each is done once its work is durable.

    The connection is closed by `close`. After a failed commit the failure reaches everyone whose work was in it.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._batches: Batches[Callable[[sqlite3.Connection], Any], Any] = Batches(self._commit, name="ledger")

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Have `work` done in the next transaction."""
        return self._batches.submit(work)

    async def done(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Have `work` done in the next transaction, and return its result; done also if the caller is cancelled."""
        result: T = await self._batches.done(work)
        return result

    def close(self) -> None:
        """Finish what was submitted, then close the connection."""
        self._batches.close()
        self._connection.close()

    def _commit(self, batch: Sequence[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            results = [work(self._connection) for work in batch]
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return results

"""Many writers, one transaction: what arrives while the disk syncs is committed together by the next sync."""

import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

_Work: TypeAlias = "tuple[Callable[[sqlite3.Connection], Any], Future[Any]]"


class GroupCommit:
    """Runs functions on a connection in a thread of its own; each future is done once its work is durable.

    The connection is closed by `close`. After a failed commit the failure reaches everyone whose work was in it.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Have `work` done in the next transaction."""
        future: Future[T] = Future()
        # What is written down stays written down, whoever stops waiting for it.
        future.set_running_or_notify_cancel()
        self._queue.put((work, future))
        return future

    def close(self) -> None:
        """Finish what was submitted, then close the connection."""
        self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while batch := self._next_batch():
            self._commit(batch)

    def _next_batch(self) -> list[_Work]:
        batch: list[_Work] = []
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch
        if batch:
            self._queue.put(None)
        return batch

    def _commit(self, batch: list[_Work]) -> None:
        # BaseException: whatever happens here belongs to those who wait, and must not end the thread they wait for.
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                results = [work(self._connection) for work, _ in batch]
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except BaseException as error:  # noqa: BLE001
            for _, future in batch:
                future.set_exception(error)
        else:
            for (_, future), result in zip(batch, results, strict=True):
                future.set_result(result)

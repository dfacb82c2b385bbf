"""The ledger as those see it who only read."""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from specrun.store import ledger_rows
from specrun.store.attempts import Attempt
from specrun.store.ledger_schema import explained, open_for_reading
from specrun.store.manifest import ImageFacts
from specrun.store.standing import Standing, standing


class LedgerView:
    """The ledger as planning and showing see it: read-only, and empty where there is none."""

    def __init__(self, connection: sqlite3.Connection | None) -> None:
        self._connection = connection

    @property
    def exists(self) -> bool:
        """Whether there is a ledger."""
        return self._connection is not None

    def standings(self, wanted: Mapping[str, int]) -> Mapping[str, Standing]:
        """Return what stands for each request digest at the take wanted; digests nobody asked for are left out."""
        if self._connection is None:
            return {}
        attempts: dict[str, list[Attempt]] = {}
        for attempt in ledger_rows.attempts_at(self._connection, wanted):
            attempts.setdefault(attempt.intent.request_digest, []).append(attempt)
        return {digest: standing(found, wanted[digest]) for digest, found in attempts.items()}

    def attempts(self, address: str) -> tuple[Attempt, ...]:
        """Return all attempts for an address, oldest first."""
        return () if self._connection is None else ledger_rows.attempts_for(self._connection, address)

    def history(self, spec: str) -> tuple[Attempt, ...]:
        """Return all attempts for a spec under all its names, oldest first."""
        return () if self._connection is None else ledger_rows.attempts_of(self._connection, spec)

    def left_open(self, hold: str) -> bool:
        """Say whether an apply with this hold has attempts that have not ended."""
        return self._connection is not None and bool(ledger_rows.open_attempts(self._connection, hold))

    def linked(self, hold: str) -> bool:
        """Say whether replies to applies with this hold linked to images that nobody has fetched."""
        return self._connection is not None and ledger_rows.has_links(self._connection, hold)

    def facts(self, blobs: Iterable[str]) -> Mapping[str, ImageFacts]:
        """Return what is known of these blobs."""
        return {} if self._connection is None else ledger_rows.facts_of(self._connection, blobs)


@contextlib.contextmanager
def view_ledger(path: Path) -> Iterator[LedgerView]:
    """Open the ledger for reading only; nothing on disk changes, also where there is no ledger."""
    with explained(path), open_for_reading(path) as connection:
        yield LedgerView(connection)

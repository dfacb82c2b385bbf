"""A ledger that is there, read."""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from specrun.store import ledger_rows
from specrun.store.attempts import Attempt
from specrun.store.ledger_questions import LedgerView
from specrun.store.ledger_schema import explained, open_for_reading
from specrun.store.manifest import ImageFacts
from specrun.store.standing import Standing, standing


class Ledger(LedgerView):
    """The view of a ledger with something in it."""

    exists = True

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def standings(self, wanted: Mapping[str, int], /) -> Mapping[str, Standing]:
        """Return what the attempts for each request digest mean."""
        attempts: dict[str, list[Attempt]] = {}
        for attempt in ledger_rows.attempts_at(self._connection, wanted):
            attempts.setdefault(attempt.intent.request_digest, []).append(attempt)
        return {digest: standing(found, wanted[digest]) for digest, found in attempts.items()}

    def attempts(self, address: str, /) -> tuple[Attempt, ...]:
        """Return the attempts for an address."""
        return ledger_rows.attempts_for(self._connection, address)

    def history(self, spec: str, /) -> tuple[Attempt, ...]:
        """Return the attempts for a spec."""
        return ledger_rows.attempts_of(self._connection, spec)

    def left_open(self, hold: str, /) -> bool:
        """Ask for attempts that have not ended."""
        return bool(ledger_rows.open_attempts(self._connection, hold))

    def linked(self, hold: str, /) -> bool:
        """Ask for links that nobody has followed."""
        return ledger_rows.has_links(self._connection, hold)

    def facts(self, blobs: Iterable[str], /) -> Mapping[str, ImageFacts]:
        """Return the facts written down of blobs."""
        return ledger_rows.facts_of(self._connection, blobs)


@contextlib.contextmanager
def read_ledger(path: Path) -> Iterator[LedgerView]:
    """Open the ledger for reading only; one that is being made at this moment is as good as none."""
    with explained(path), open_for_reading(path) as connection:
        yield LedgerView() if connection is None else Ledger(connection)

"""What came of asking again: kept beside the attempts, and never taken for one, so that nothing is served from it."""

import sqlite3
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from specrun.model.run import Price
from specrun.store.ledger_schema import explained, open_for_reading, open_for_writing

_TABLE = """
CREATE TABLE IF NOT EXISTS reproductions (
    id INTEGER PRIMARY KEY,
    spec TEXT NOT NULL,
    address TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    images INTEGER NOT NULL,
    price TEXT,
    currency TEXT,
    sent_at REAL NOT NULL,
    verdict TEXT,
    distance REAL
) STRICT
"""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A locked request that is asked again; `price` is per image, None where unknown."""

    spec: str
    address: str
    provider: str
    model: str
    request_digest: str
    images: int
    price: Price | None


class Reproductions:
    """Writes down what is asked again, before it leaves, and the verdict after."""

    def __init__(self, ledger: Path) -> None:
        self._path = ledger
        self._connection = open_for_writing(ledger)
        with explained(ledger):
            self._connection.execute(_TABLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def sent(self, question: Question) -> int:
        """Write down that a question is about to leave, and return its number; durable once this returns."""
        price = question.price
        values = (
            *(question.spec, question.address, question.provider, question.model, question.request_digest),
            *(question.images, str(price.amount) if price else None, price.currency if price else None, time.time()),
        )
        with explained(self._path):
            cursor = self._connection.execute(
                "INSERT INTO reproductions (spec, address, provider, model, request_digest, images, price, currency,"
                " sent_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        return int(cursor.lastrowid or 0)

    def judged(self, number: int, verdict: str, distance: float | None) -> None:
        """Write down what came of a question."""
        with explained(self._path):
            self._connection.execute(
                "UPDATE reproductions SET verdict = ?, distance = ? WHERE id = ?", (verdict, distance, number)
            )


def verdicts_by_model(ledger: Path) -> Mapping[tuple[str, str], Mapping[str, int]]:
    """Return how often each verdict was given, by provider and model, over all time; none without a ledger."""
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    with explained(ledger), open_for_reading(ledger) as connection:
        for row in () if connection is None else _rows(connection):
            found[row["provider"], row["model"]][row["verdict"]] = row["number"]
    return dict(found)


def _rows(connection: sqlite3.Connection) -> list[sqlite3.Row]:
    known = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'reproductions'").fetchone()
    if known is None:
        return []
    return connection.execute(
        "SELECT provider, model, verdict, count(*) AS number FROM reproductions WHERE verdict IS NOT NULL"
        " GROUP BY provider, model, verdict ORDER BY provider, model, verdict"
    ).fetchall()

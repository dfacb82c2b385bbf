"""Attempts as rows of the ledger: SQL on one side, types on the other."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import chain

from msgspec.structs import replace

from specrun.model.run import Price
from specrun.store.attempts import Attempt, AttemptState, Ending, Intent, StoredImage
from specrun.store.manifest import ImageFacts

# SQLite takes some 32,000 values a statement; replies may hold any number of images.
_MOST_ROWS = 1000


def insert(connection: sqlite3.Connection, intents: Sequence[Intent], now: float) -> list[int]:
    """Write intents down and return the ids of their attempts."""
    if not intents:
        return []
    rows = [
        (
            intent.hold,
            intent.spec,
            intent.address,
            intent.provider,
            intent.model,
            intent.request_digest,
            intent.take,
            intent.images,
            str(intent.price.amount) if intent.price else None,
            intent.price.currency if intent.price else None,
            AttemptState.INTENDED.value,
            now,
        )
        for intent in intents
    ]
    inserted = connection.execute(
        f"""
        INSERT INTO attempts (hold, spec, address, provider, model, request_digest, take, images, price, currency,
                              state, intended_at)
        {_values(rows)}
        """,
        list(chain(*rows)),
    )
    # One statement gives consecutive ids.
    last = inserted.lastrowid or 0
    return list(range(last - len(rows) + 1, last + 1))


def mark_sent(connection: sqlite3.Connection, attempts: Sequence[int], now: float) -> None:
    """Say that from here on the requests may have left."""
    connection.execute(
        "UPDATE attempts SET state = ?, sent_at = ? WHERE id IN (SELECT value FROM json_each(?))",
        (AttemptState.SENT.value, now, json.dumps(attempts)),
    )


def mark_linked(connection: sqlite3.Connection, attempt: int, links: Iterable[tuple[int, str]]) -> None:
    """Keep where the images of a reply can be fetched."""
    connection.executemany(
        "INSERT OR REPLACE INTO links (attempt, image, url) VALUES (?, ?, ?)",
        [(attempt, index, url) for index, url in links],
    )


def mark_arrived(connection: sqlite3.Connection, arrivals: Sequence[tuple[int, Sequence[StoredImage]]]) -> None:
    """List, by attempt, the images that are about to be stored."""
    rows = [
        (attempt, image.index, image.blob, facts.media_type, facts.width, facts.height, facts.bytes)
        for attempt, images in arrivals
        for image in images
        for facts in (image.facts,)
    ]
    for start in range(0, len(rows), _MOST_ROWS):
        part = rows[start : start + _MOST_ROWS]
        connection.execute(
            "INSERT OR REPLACE INTO outputs (attempt, image, blob, media_type, width, height, bytes) " + _values(part),
            list(chain(*part)),
        )
    connection.execute(
        "UPDATE attempts SET state = ?, ended_at = NULL WHERE id IN (SELECT value FROM json_each(?))",
        (AttemptState.ARRIVED.value, json.dumps([attempt for attempt, _ in arrivals])),
    )


def mark_ended(connection: sqlite3.Connection, endings: Sequence[tuple[int, Ending]], now: float) -> None:
    """Say what came of attempts; links to images that are here now, or were put aside and looked at, are forgotten."""
    connection.execute(
        "DELETE FROM links WHERE attempt IN (SELECT value FROM json_each(?)) AND (EXISTS"
        " (SELECT 1 FROM outputs WHERE outputs.attempt = links.attempt AND outputs.image = links.image)"
        " OR (url LIKE 'aside:%' AND attempt IN (SELECT value FROM json_each(?))))",
        (
            json.dumps([attempt for attempt, _ in endings]),
            json.dumps([attempt for attempt, end in endings if end.state is not AttemptState.UNKNOWN]),
        ),
    )
    rows = [(attempt, end.state.value, end.cause, end.status, end.request_id) for attempt, end in endings]
    if rows:
        connection.execute(
            f"""
            WITH ends (id, state, cause, status, request_id) AS ({_values(rows)})
            UPDATE attempts SET state = ends.state, cause = ends.cause, status = ends.status,
                                request_id = ends.request_id, ended_at = ?
            FROM ends WHERE attempts.id = ends.id
            """,  # noqa: S608 (question marks)
            [*chain(*rows), now],
        )


def insert_next(connection: sqlite3.Connection, attempt: int, ending: Ending, now: float) -> int:
    """End an attempt, write the same intent down anew, and return the new attempt's id."""
    mark_ended(connection, [(attempt, ending)], now)
    (ended,) = _attempts(connection, "id = ?", attempt)
    (following,) = insert(connection, [ended.intent], now)
    return following


def delete_unsent(connection: sqlite3.Connection, attempt: int) -> None:
    """Forget an intent that was never sent."""
    connection.execute("DELETE FROM attempts WHERE id = ? AND state = ?", (attempt, AttemptState.INTENDED.value))


def attempts_at(connection: sqlite3.Connection, digests: Iterable[str]) -> tuple[Attempt, ...]:
    """Return all attempts at these request digests, oldest first."""
    return _attempts(connection, "request_digest IN (SELECT value FROM json_each(?))", json.dumps(list(digests)))


def attempts_for(connection: sqlite3.Connection, address: str) -> tuple[Attempt, ...]:
    """Return all attempts made for an address, oldest first."""
    return _attempts(connection, "address = ?", address)


def attempts_of(connection: sqlite3.Connection, spec: str) -> tuple[Attempt, ...]:
    """Return all attempts made for a spec, oldest first."""
    return _attempts(connection, "spec = ?", spec)


def open_attempts(connection: sqlite3.Connection, hold: str) -> tuple[Attempt, ...]:
    """Return the attempts of a hold that have not ended, oldest first."""
    return _attempts(connection, "ended_at IS NULL AND hold = ?", hold)


def has_links(connection: sqlite3.Connection, hold: str) -> bool:
    """Say whether any attempt of a hold has links left."""
    query = "SELECT 1 FROM links JOIN attempts ON attempts.id = links.attempt WHERE attempts.hold = ? LIMIT 1"
    return connection.execute(query, (hold,)).fetchone() is not None


def latest(connection: sqlite3.Connection) -> int:
    """Return the id of the latest attempt, 0 where there is none."""
    return int(connection.execute("SELECT coalesce(max(id), 0) AS latest FROM attempts").fetchone()["latest"])


def facts_of(connection: sqlite3.Connection, blobs: Iterable[str]) -> dict[str, ImageFacts]:
    """Return what is known of these blobs."""
    rows = connection.execute(
        "SELECT * FROM outputs WHERE blob IN (SELECT value FROM json_each(?))", (json.dumps(list(blobs)),)
    )
    return {row["blob"]: _facts(row) for row in rows}


def _values(rows: Sequence[tuple[object, ...]]) -> str:
    """Return the SQL of so many rows, so that one statement does for all: each lets the interpreter go, and waits."""
    row = f"({', '.join('?' * len(rows[0]))})"
    return f"VALUES {', '.join([row] * len(rows))}"


def _attempts(connection: sqlite3.Connection, condition: str, value: str | int) -> tuple[Attempt, ...]:
    # The condition is one of the constants above; what varies goes in as a value.
    rows = connection.execute(f"SELECT * FROM attempts WHERE {condition} ORDER BY id", (value,)).fetchall()  # noqa: S608
    if not rows:
        return ()
    images: dict[int, list[StoredImage]] = {}
    ids = json.dumps([row["id"] for row in rows])
    for row in connection.execute(
        "SELECT * FROM outputs WHERE attempt IN (SELECT value FROM json_each(?)) ORDER BY attempt, image", (ids,)
    ):
        image = StoredImage(index=row["image"], blob=row["blob"], facts=_facts(row))
        images.setdefault(row["attempt"], []).append(image)
    links: dict[int, list[tuple[int, str]]] = {}
    for row in connection.execute(
        "SELECT * FROM links WHERE attempt IN (SELECT value FROM json_each(?)) ORDER BY attempt, image", (ids,)
    ):
        links.setdefault(row["attempt"], []).append((row["image"], row["url"]))
    return tuple(
        replace(_attempt(row), images=tuple(images.get(row["id"], ())), links=tuple(links.get(row["id"], ())))
        for row in rows
    )


def _attempt(row: sqlite3.Row) -> Attempt:
    amount = row["price"]
    return Attempt(
        id=row["id"],
        intent=Intent(
            hold=row["hold"],
            spec=row["spec"],
            address=row["address"],
            provider=row["provider"],
            model=row["model"],
            request_digest=row["request_digest"],
            take=row["take"],
            images=row["images"],
            price=None if amount is None else Price(amount=Decimal(amount), currency=row["currency"]),
        ),
        ending=Ending(
            state=AttemptState(row["state"]), cause=row["cause"], status=row["status"], request_id=row["request_id"]
        ),
        intended_at=row["intended_at"],
        sent_at=row["sent_at"],
        ended_at=row["ended_at"],
    )


def _facts(row: sqlite3.Row) -> ImageFacts:
    return ImageFacts(media_type=row["media_type"], width=row["width"], height=row["height"], bytes=row["bytes"])

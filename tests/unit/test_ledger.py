import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from specrun.canonical import digest
from specrun.model.lock import State
from specrun.model.run import Price
from specrun.store.attempts import AttemptState, Ending, Intent, StoredImage
from specrun.store.blobs import Blobs
from specrun.store.hold import hold
from specrun.store.hold_name import hold_name
from specrun.store.ledger import Granted, Ledger
from specrun.store.ledger_questions import LedgerView
from specrun.store.ledger_schema import LedgerError
from specrun.store.ledger_view import view_ledger
from specrun.store.manifest import ImageFacts
from specrun.store.standing import Free, HeldBack, Made, UnderWay, standing

FACTS = ImageFacts(media_type="image/png", width=8, height=8, bytes=6)
IMAGE = StoredImage(index=1, blob=digest(b"pixels"), facts=FACTS)
RECEIVED = Ending(state=AttemptState.RECEIVED, status=200, request_id="req-1")
UNKNOWN = Ending(state=AttemptState.UNKNOWN, cause="no reply in time")
INTENT = Intent(
    hold="shots-1",
    spec="specs/shots.yaml",
    address="shots[a=1]",
    provider="modelverse",
    model="m",
    request_digest="sha256:d",
    take=1,
    images=1,
    price=Price(amount=Decimal("0.350"), currency="CNY"),
)


def open_ledger(root: Path) -> Ledger:
    return Ledger(root / "ledger.db", root / "holds", Blobs(root / "store"))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path) as opened:
        yield opened


async def granted(ledger: Ledger, intent: Intent = INTENT, ignoring: tuple[int, ...] = ()) -> int:
    claim = await ledger.claim(intent, ignoring)
    assert isinstance(claim, Granted)
    return claim.attempt


async def receive(ledger: Ledger, intent: Intent = INTENT) -> int:
    attempt = await granted(ledger, intent)
    await ledger.sent(attempt)
    ledger.arrived([(attempt, [IMAGE])])
    await ledger.ended(attempt, RECEIVED)
    return attempt


def test_an_attempt_is_remembered_with_all_that_is_known_of_it(ledger: Ledger, tmp_path: Path) -> None:
    number = asyncio.run(receive(ledger))
    with view_ledger(tmp_path / "ledger.db") as view:
        (attempt,) = view.attempts("shots[a=1]")
        assert view.facts([IMAGE.blob, "sha256:other"]) == {IMAGE.blob: FACTS}
        assert view.standings({"sha256:d": 1, "sha256:e": 1}) == {"sha256:d": Made(attempt=attempt)}
    assert (attempt.id, attempt.intent, attempt.ending, attempt.images) == (number, INTENT, RECEIVED, (IMAGE,))
    assert attempt.sent_at is not None
    assert attempt.ended_at is not None
    assert attempt.intended_at <= attempt.sent_at <= attempt.ended_at


def test_a_claim_stands_against_every_spec_until_it_ends(ledger: Ledger, tmp_path: Path) -> None:
    async def story(mine: Intent, other: Intent) -> None:
        attempt = await granted(ledger, mine)
        assert isinstance(await ledger.claim(other), UnderWay)
        await ledger.ended(attempt, Ending(state=AttemptState.FAILED, cause="bad parameter", status=400))
        second = await receive(ledger, other)
        made = await ledger.claim(mine)
        assert isinstance(made, Made)
        assert (made.attempt.id, made.attempt.images) == (second, (IMAGE,))

    with hold(tmp_path / "holds", INTENT.spec, "shots"):
        other = replace(INTENT, hold="other-1", spec="specs/other.yaml")
        asyncio.run(story(replace(INTENT, hold=hold_name(INTENT.spec, "shots")), other))


def test_what_may_have_been_billed_is_held_until_someone_says_otherwise(ledger: Ledger) -> None:
    async def story() -> None:
        first = await granted(ledger)
        await ledger.sent(first)
        await ledger.ended(first, UNKNOWN)
        back = await ledger.claim(INTENT)
        assert isinstance(back, HeldBack)
        assert back.attempt.state.held is State.UNKNOWN
        again = await granted(ledger, ignoring=(first,))
        await ledger.ended(again, Ending(state=AttemptState.FAILED, cause="bad parameter", status=400))
        assert isinstance(await ledger.claim(INTENT), HeldBack)
        ledger.settle(first, Ending(state=AttemptState.FAILED, cause="not billed, says the invoice"))
        await granted(ledger)

    asyncio.run(story())


def test_a_new_take_is_not_served_by_an_old_one_but_serves_it(ledger: Ledger) -> None:
    async def story() -> None:
        await receive(ledger)
        await receive(ledger, replace(INTENT, take=2))
        made = await ledger.claim(INTENT)
        assert isinstance(made, Made)
        assert made.attempt.intent.take == 2

    asyncio.run(story())


def test_a_resend_keeps_the_claim_and_a_withdrawn_intent_leaves_no_trace(ledger: Ledger, tmp_path: Path) -> None:
    async def story() -> None:
        first = await granted(ledger)
        second = await ledger.again(first, Ending(state=AttemptState.FAILED, cause="too many requests", status=429))
        found = await ledger.claim(INTENT)
        assert isinstance(found, UnderWay)
        assert found.attempt.id == second
        await ledger.withdraw(second)

    asyncio.run(story())
    with view_ledger(tmp_path / "ledger.db") as view:
        (only,) = view.attempts(INTENT.address)
    assert only.ending.status == 429


LEFT_OPEN = """
import asyncio, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_ledger import INTENT, IMAGE, open_ledger
from msgspec.structs import replace
root = Path(sys.argv[1])
ledger = open_ledger(root)
async def story():
    for number, stage in enumerate(["intended", "sent", "arrived", "stored", "short"]):
        intent = replace(INTENT, request_digest=stage, address=stage, images=2 if stage == "short" else 1)
        claim = await ledger.claim(intent)
        if stage != "intended":
            await ledger.sent(claim.attempt)
        if stage in ("arrived", "stored", "short"):
            blob = IMAGE.blob if stage != "arrived" else "sha256:" + "0" * 64
            ledger.arrived([(claim.attempt, [replace(IMAGE, blob=blob)])])
asyncio.run(story())
ledger._blobs.put(b"pixels")
os.kill(os.getpid(), 9)
"""


def kill_with_attempts_open(root: Path) -> None:
    child = subprocess.run([sys.executable, "-c", LEFT_OPEN, str(root), str(Path(__file__).parent)], check=False)
    assert child.returncode == -9


def test_what_a_killed_apply_left_open_is_settled_by_what_is_certain(tmp_path: Path) -> None:
    kill_with_attempts_open(tmp_path)
    with view_ledger(tmp_path / "ledger.db") as view:
        assert view.left_open(INTENT.hold)
    with open_ledger(tmp_path) as ledger:
        recovery = ledger.recover(INTENT.hold)
        assert [attempt.intent.address for attempt in recovery.unsent] == ["intended"]
        assert [attempt.intent.address for attempt in recovery.unknown] == ["sent", "arrived"]
        assert [(attempt.intent.address, attempt.state) for attempt in recovery.received] == [
            ("stored", AttemptState.RECEIVED),
            ("short", AttemptState.PARTIAL),
        ]
        assert ledger.recover(INTENT.hold) == type(recovery)()


def test_another_spec_takes_over_only_what_is_certain(tmp_path: Path) -> None:
    kill_with_attempts_open(tmp_path)

    async def story(ledger: Ledger) -> None:
        stages = {
            stage: await ledger.claim(replace(INTENT, hold="other-1", request_digest=stage))
            for stage in ("intended", "sent", "arrived", "stored", "short")
        }
        assert {stage: type(found) for stage, found in stages.items()} == {
            "intended": Granted,
            "sent": HeldBack,
            "arrived": HeldBack,
            "stored": Made,
            "short": HeldBack,
        }

    with open_ledger(tmp_path) as ledger:
        asyncio.run(story(ledger))
        assert [attempt.intent.address for attempt in ledger.recover(INTENT.hold).unknown] == ["sent", "arrived"]


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir() if path.is_file()}


def attempts_seen(root: Path) -> int:
    with view_ledger(root / "ledger.db") as view:
        return len(view.standings(dict.fromkeys(["intended", "sent", "arrived", "stored", "short"], 1)))


def test_reading_changes_nothing_on_disk(tmp_path: Path) -> None:
    with view_ledger(tmp_path / "ledger.db") as view:
        assert view.standings({"sha256:d": 1}) == {}
        assert view.attempts("a") == ()
        assert view.facts(["b"]) == {}
    assert list(tmp_path.iterdir()) == []

    kill_with_attempts_open(tmp_path)
    left = snapshot(tmp_path)
    assert set(left) == {"ledger.db", "ledger.db-shm", "ledger.db-wal"}
    assert attempts_seen(tmp_path) == 5
    assert snapshot(tmp_path) == left

    (tmp_path / "ledger.db-shm").unlink()
    left = snapshot(tmp_path)
    assert attempts_seen(tmp_path) == 5
    assert snapshot(tmp_path) == left

    open_ledger(tmp_path).close()
    left = snapshot(tmp_path)
    assert set(left) == {"ledger.db"}
    assert attempts_seen(tmp_path) == 5
    assert snapshot(tmp_path) == left


@pytest.mark.parametrize("damage", ["not a database", "torn page"])
def test_a_damaged_ledger_is_named_and_left_as_it_is(tmp_path: Path, damage: str) -> None:
    kill_with_attempts_open(tmp_path)
    path = tmp_path / "ledger.db"
    if damage == "not a database":
        path.write_bytes(b"hello " * 1000)
        for log in tmp_path.glob("ledger.db-*"):
            log.unlink()
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        content = bytearray(path.read_bytes())
        content[4096:8192] = os.urandom(4096)
        path.write_bytes(content)
        path.with_name("ledger.db-wal").touch()
    before = path.read_bytes()
    with pytest.raises(LedgerError) as caught:
        open_ledger(tmp_path)
    assert str(path) in str(caught.value)
    assert "move it aside" in caught.value.diagnostics[0].hint
    assert path.read_bytes() == before


def test_a_ledger_of_a_newer_specrun_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "ledger.db")
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(LedgerError, match="newer specrun"):
        open_ledger(tmp_path)
    with pytest.raises(LedgerError, match="newer specrun"), view_ledger(tmp_path / "ledger.db") as view:
        assert isinstance(view, LedgerView)


def test_many_tasks_share_their_commits(ledger: Ledger, tmp_path: Path) -> None:
    async def story() -> None:
        await asyncio.gather(*(receive(ledger, replace(INTENT, request_digest=f"d{n}")) for n in range(200)))

    asyncio.run(story())
    with view_ledger(tmp_path / "ledger.db") as view:
        standings = view.standings({f"d{n}": 1 for n in range(200)})
    assert all(isinstance(found, Made) for found in standings.values())
    assert len(standings) == 200


def test_processes_that_open_a_new_ledger_at_once_all_succeed(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_ledger import open_ledger
open_ledger(Path({str(tmp_path)!r})).close()
"""
    children = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(6)]
    assert [child.wait() for child in children] == [0] * 6


def test_replies_with_very_many_images_are_listed_whole(ledger: Ledger, tmp_path: Path) -> None:
    images = tuple(replace(IMAGE, index=n) for n in range(1, 6001))
    attempt = asyncio.run(granted(ledger))
    ledger.arrived([(attempt, images)])
    with view_ledger(tmp_path / "ledger.db") as view:
        assert [found.images for found in view.attempts(INTENT.address)] == [images]


def test_of_claims_that_come_together_one_is_granted_for_each_request(ledger: Ledger, tmp_path: Path) -> None:
    intents = [replace(INTENT, request_digest=f"sha256:{n % 3}", address=f"shots[a={n}]") for n in range(9)]

    async def all_at_once() -> list[Granted | Made | HeldBack | UnderWay]:
        return await asyncio.gather(*(ledger.claim(intent) for intent in intents))

    claims = asyncio.run(all_at_once())
    granted = {
        claim.attempt: intent for claim, intent in zip(claims, intents, strict=True) if isinstance(claim, Granted)
    }
    assert {intent.request_digest for intent in granted.values()} == {f"sha256:{n}" for n in range(3)}
    assert len(granted) == 3
    with view_ledger(tmp_path / "ledger.db") as view:
        for number, intent in granted.items():
            assert [(attempt.id, attempt.intent) for attempt in view.attempts(intent.address)] == [(number, intent)]


def _limit_pages(connection: sqlite3.Connection, most: Sequence[int]) -> list[None]:
    connection.execute(f"PRAGMA max_page_count = {most[0]}")
    return [None]


def test_a_write_that_the_disk_refuses_is_told_to_the_writer_and_hurts_no_later_one(ledger: Ledger) -> None:
    async def story() -> None:
        attempt = await granted(ledger)
        ledger._commits.submit(_limit_pages, 1).result()
        filler = [replace(IMAGE, index=n, blob="x" * 4000) for n in range(50)]
        with pytest.raises(LedgerError, match="database or disk is full"):
            ledger.arrived([(attempt, filler)])
        ledger._commits.submit(_limit_pages, 100_000).result()
        ledger.arrived([(attempt, filler)])

    asyncio.run(story())


def test_the_thread_of_a_closed_ledger_has_ended(tmp_path: Path) -> None:
    with open_ledger(tmp_path):
        assert "ledger" in {thread.name for thread in threading.enumerate()}
    assert "ledger" not in {thread.name for thread in threading.enumerate()}


def test_nothing_stands_against_a_request_nobody_made() -> None:
    assert standing([], 1) == Free()

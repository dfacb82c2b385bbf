"""SIGKILLs over an apply of 40 images with 8 workers: nothing lost, nothing asked for twice. By hand: `kills.py 300`.

Each round applies a new project, kills the child at a random instant or at a chosen point, and applies again until it
ends by itself. What must hold, after every kill and in the end, is asserted here.
"""

import asyncio
import base64
import itertools
import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from applying import Shop, numbered
from fault_server import Exchange, FaultServer

from specrun.canonical import digest
from specrun.store.blobs import Blobs
from specrun.store.ledger_schema import open_for_reading

IMAGES = 40
# Every step of a request's way that a kill may fall before or after; the last number is replaced by a random one.
POINTS = (
    "specrun.store.ledger:Ledger.claim",
    "specrun.store.ledger:Ledger.sent",
    "specrun.store.ledger:Ledger.arrived",
    "specrun.store.ledger:Ledger.ended",
    "specrun.store.ledger:Ledger.ended_all",
    "specrun.store.blobs:Blobs.writes",
    "specrun.apply.keep:Keeper.drafts",
    "specrun.apply.keep:Keeper.written",
    "specrun.store.ledger_rows:mark_ended",
    "specrun.apply.delivery:Delivery.drafts",
    "specrun.apply.delivery:Delivery._pack",
    # The steps of one batch, of images on their way into the store and of deliveries alike.
    "specrun.group_write:_Group.stage",
    "specrun.group_write:_Group.give_names",
    "specrun.group_write:_synced",
    "specrun.store.group_commit:GroupCommit._commit",
)
# Steps that an apply takes once.
LAST_POINTS = ("specrun.apply.leave:write_lock", "specrun.apply.leave:write_manifest", "specrun.apply.recover:recover")


@dataclass
class Drill:
    """Kills so far, and what the server's count of requests may come to."""

    chance: random.Random
    kills: int = 0
    in_flight: int = 0
    rounds: int = 0
    posts: int = 0
    # Which request each picture is for, and how often each stored picture had been asked for when it was first seen.
    _pictures: dict[str, str] = field(default_factory=dict)
    _stored: dict[str, int] = field(default_factory=dict)

    async def picture(self, exchange: Exchange) -> None:
        """Answer after a while with a picture or a link to it, and remember which request it is for."""
        await asyncio.sleep(self.chance.uniform(0.01, 0.08))
        (content,) = exchange.pictures()
        self._pictures[digest(content)] = exchange.post.key
        exchange.bill()
        item = {"b64_json": base64.b64encode(content).decode()}
        if exchange.post.number % 2:
            item = {"url": exchange.server.store(f"/img/{exchange.post.number}.png", content)}
        await exchange.reply(200, {"created": 1, "data": [item]})

    def round(self, root: Path, expected: dict[str, bytes], limit: int) -> None:
        """Apply one project to its end, through up to `limit` kills."""
        self._pictures, self._stored = {}, {}
        with FaultServer([self.picture]) as server:
            shop = Shop(root, server)
            shop.write(shots=numbered(IMAGES))
            allowed = IMAGES
            for _ in range(limit):
                ended = self._killed_apply(shop)
                allowed += self._check_after_kill(server, root)
                if ended:
                    break
            child = shop.start("shots", "--retry-unknown")
            _, errors = child.communicate()
            assert (child.returncode, errors) == (0, "")
            self.check_stored(server, root)
            assert len(server.posts) <= allowed, (len(server.posts), allowed)
            assert shop.written() == expected
            self.rounds += 1
            self.posts += len(server.posts)

    def _killed_apply(self, shop: Shop) -> bool:
        """Start an apply and kill it; say whether it ended by itself before that."""
        if self.chance.random() < 0.5:
            child = shop.start("shots", "--retry-unknown", f"--kill={self._point()}")
            told, errors = child.communicate()
        else:
            child = shop.start("shots", "--retry-unknown")
            assert child.stdout is not None
            told = _read_until("Started", child.stdout)
            time.sleep(self.chance.uniform(0, 0.5))
            child.kill()
            rest, errors = child.communicate()
            told += rest
        assert child.returncode in (0, -9), (child.returncode, errors, told)
        self.kills += child.returncode == -9
        return child.returncode == 0

    def _point(self) -> str:
        when = self.chance.choice(("before", "after"))
        if self.chance.random() < 0.2:
            return f"{when}:{self.chance.choice(LAST_POINTS)}:1"
        return f"{when}:{self.chance.choice(POINTS)}:{self.chance.randint(1, 12)}"

    def _check_after_kill(self, server: FaultServer, root: Path) -> int:
        """Return how many requests were in flight; note what is stored, and assert that none of it was asked again."""
        while server.in_flight:
            time.sleep(0.01)
        self.check_stored(server, root)
        with open_for_reading(root / ".specrun" / "ledger.db") as ledger:
            if ledger is None:
                return 0
            (in_flight,) = ledger.execute(
                "SELECT count(*) FROM attempts WHERE ended_at IS NULL AND state IN ('sent', 'arrived')"
            ).fetchone()
        self.in_flight += in_flight
        return int(in_flight)

    def check_stored(self, server: FaultServer, root: Path) -> None:
        """Assert that what was stored is still there and was not asked for again; note what is stored now."""
        store = Blobs(root / ".specrun" / "store")
        for blob, posts in self._stored.items():
            assert store.has(blob), f"{blob} was stored and is lost"
            assert server.posts_by_key[self._pictures[blob]] == posts, f"{blob} was stored and asked for again"
        there = {blob for blob in self._pictures if store.has(blob)}
        self._stored |= {blob: server.posts_by_key[self._pictures[blob]] for blob in there}


def _read_until(word: str, stream: IO[str]) -> str:
    """Return what a child says, up to the line that begins with `word` or to its end."""
    said = ""
    for line in stream:
        said += line
        if line.startswith(word):
            break
    return said


def undisturbed(root: Path) -> dict[str, bytes]:
    """Return what an apply leaves that nobody kills."""
    drill = Drill(random.Random(0))
    with FaultServer([drill.picture]) as server:
        shop = Shop(root, server)
        shop.write(shots=numbered(IMAGES))
        assert shop.apply().finished.exit_code == 0
    return shop.written()


def drill(kills: int, seed: int) -> Drill:
    """Kill that many applies, and return the drill; raises `AssertionError` where a promise is broken."""
    done = Drill(random.Random(seed))
    with tempfile.TemporaryDirectory() as folder:
        expected = undisturbed(Path(folder) / "undisturbed")
        for number in itertools.count():
            if done.kills >= kills:
                return done
            root = Path(folder) / str(number)
            done.round(root, expected, kills - done.kills)
            shutil.rmtree(root)
    raise AssertionError


if __name__ == "__main__":
    wanted, seed = int(sys.argv[1]) if len(sys.argv) > 1 else 300, int(sys.argv[2]) if len(sys.argv) > 2 else 1
    result = drill(wanted, seed)
    print(
        f"{result.kills} kills (seed {seed}) over {result.rounds} applies of {IMAGES} images: {result.posts} POSTs,"
        f" at most {result.rounds * IMAGES} + {result.in_flight} in flight at a kill; nothing lost, nothing asked twice"
    )

"""A lock that somebody changes in its file while an apply goes on."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from applying import Shop, client_for, numbered
from fault_server import Behaviour, FaultServer, Post
from faults import good

from specrun.apply.apply import apply
from specrun.apply.events import Event, Started, Warned
from specrun.apply.options import ApplyOptions
from specrun.catalog.load import load_catalog
from specrun.store.lockfile import lock_bytes

LOCK = "specs/shots.lock.json"


def shop_of(folder: Path, name: str, server: FaultServer) -> Shop:
    (folder / name).mkdir()
    return Shop(folder / name, server)


def conflict(ours: bytes, theirs: bytes) -> bytes:
    return b"<<<<<<< HEAD\n" + ours + b"=======\n" + theirs + b">>>>>>> other\n"


@pytest.mark.parametrize("pulled", [lambda ours, theirs: theirs, conflict])
def test_what_others_made_and_git_brought_meanwhile_is_not_forgotten(
    tmp_path: Path, pulled: Callable[[bytes, bytes], bytes]
) -> None:
    meanwhile: list[Callable[[], object]] = []

    def script(post: Post) -> Behaviour:
        while meanwhile and post.prompt == "lamp 3":
            meanwhile.pop()()
        return good()

    with FaultServer(script) as server:
        ann, bob = shop_of(tmp_path, "ann", server), shop_of(tmp_path, "bob", server)
        for shop in (ann, bob):
            shop.write(shots=numbered(2))
        ann.apply()
        old = (ann.root / LOCK).read_bytes()
        (bob.root / LOCK).write_bytes(old)
        bob.write(shots=numbered(2), more=numbered(2, prompt="vase {{ i }}"))
        bob.apply()
        theirs = (bob.root / LOCK).read_bytes()
        meanwhile.append(lambda: (ann.root / LOCK).write_bytes(pulled(old, theirs)))
        ann.write(shots=numbered(3))
        done = ann.apply()
    rows = ann.lock().rows
    assert set(rows) == {"shots[i=1]", "shots[i=2]", "shots[i=3]", "more[i=1]", "more[i=2]"}
    assert all(row.outputs for row in rows.values())
    assert {address: rows[address] for address in ("more[i=1]", "more[i=2]")} == {
        address: bob.row(address) for address in ("more[i=1]", "more[i=2]")
    }
    assert "lock changed meanwhile" in {event.diagnostic.summary for event in done.told(Warned)}


def test_rows_that_git_took_away_meanwhile_go_and_what_was_made_stays(tmp_path: Path) -> None:
    meanwhile: list[Callable[[], object]] = []

    def script(post: Post) -> Behaviour:
        while meanwhile:
            meanwhile.pop()()
        return good()

    with FaultServer(script) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(2), old=numbered(1, prompt="vase"))
        shop.apply()
        lock = shop.lock()
        shop.write(shots=numbered(2, prompt="new lamp {{ i }}"))
        fewer = {address: row for address, row in lock.rows.items() if address != "old[i=1]"}
        without = lock_bytes(type(lock)(spec=lock.spec, name=lock.name, files={}, vars={}, rows=fewer))
        meanwhile.append(lambda: (shop.root / LOCK).write_bytes(without))
        shop.apply(targets=("shots",))
        assert set(shop.lock().rows) == {"shots[i=1]", "shots[i=2]"}
        assert shop.row("shots[i=1]").params["prompt"] == "new lamp 1"


def test_a_lock_that_became_unreadable_meanwhile_is_written_whole(tmp_path: Path) -> None:
    def script(post: Post) -> Behaviour:
        (tmp_path / LOCK).write_bytes(b"{")
        return good()

    with FaultServer(script) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(2))
        shop.apply()
        assert len(shop.lock().rows) == 2


@pytest.mark.parametrize("damage", [lambda lock: lock.unlink(), lambda lock: lock.write_bytes(b"{")])
def test_a_lock_lost_while_everything_is_kept_is_written_whole(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(2))
        shop.apply()
        before = (tmp_path / LOCK).read_bytes()
        plan, project = shop.plan(), shop.project()

        def watch(event: Event) -> None:
            if isinstance(event, Started):
                damage(tmp_path / LOCK)

        kept = asyncio.run(apply(plan, project, load_catalog(project.schemas), client_for, ApplyOptions(), watch))
    assert kept.kept == 2
    assert (tmp_path / LOCK).read_bytes() == before

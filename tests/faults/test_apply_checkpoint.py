"""An apply killed on a machine that is gone with it: lock and outputs alone know what was paid."""

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from applying import Shop, killed, numbered
from fault_server import Behaviour, Exchange, FaultServer, Post
from faults import error, good

from specrun.model.lock import State
from specrun.model.plan import Verb
from specrun.model.shard import Shard

LOCK = "specs/shots.lock.json"


def silent_from(number: int) -> Callable[[Post], Behaviour]:
    """Answer `lamp 1` and so on up to a number, and nobody from there on."""

    def script(post: Post) -> Behaviour:
        return good() if int(post.prompt.split()[-1]) < number else _silence

    return script


async def _silence(_: object) -> None:
    await asyncio.Event().wait()


def states(lock: Path) -> dict[str, str]:
    """Return what a lock's file says of each run: made, its state, or that it is only pinned."""
    rows = json.loads(lock.read_bytes())["runs"] if lock.exists() else []
    return {row["params"]["prompt"]: row.get("state") or ("made" if row["outputs"] else "pinned") for row in rows}


def images(shop: Shop) -> int:
    """Return how many images the manifest lists."""
    manifest = shop.output("manifest.json")
    return len(json.loads(manifest.read_bytes())["outputs"]) if manifest.exists() else 0


def killed_at(shop: Shop, lock: Path, expected: dict[str, str], *arguments: str, listed: int = 0) -> None:
    """Apply in a child, and kill it once the lock says what is expected, and the manifest lists so many images."""
    child = shop.start("shots", *arguments)
    deadline = time.monotonic() + 60
    while states(lock) != expected or images(shop) < listed:
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline, states(lock)
        time.sleep(0.02)
    killed(child)


def elsewhere(shop: Shop, folder: Path, *brought: str) -> Shop:
    """Return another machine's project, which has some of the first one's files."""
    for name in ("specrun.yaml", "specs", *brought):
        source, target = shop.root / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    return Shop(folder, shop.server, shop.settings)


def asked(server: FaultServer) -> list[int]:
    return sorted(int(post.prompt.split()[-1]) for post in server.posts)


MADE_AND_UNDER_WAY = {
    "lamp 1": "made",
    "lamp 2": "made",
    "lamp 3": "made",
    "lamp 4": "unknown",
    "lamp 5": "unknown",
}


def test_after_a_kill_lock_and_outputs_know_all_but_what_had_not_begun(tmp_path: Path) -> None:
    with FaultServer(silent_from(4)) as server:
        shop = Shop(tmp_path / "ci", server, {"concurrency": 2})
        shop.write(shots=numbered(8))
        killed_at(shop, shop.root / LOCK, MADE_AND_UNDER_WAY, listed=3)
        manifest = json.loads((shop.root / "outputs/shots/manifest.json").read_bytes())
        assert [output["address"] for output in manifest["outputs"]] == [f"shots[i={i}]" for i in (1, 2, 3)]
        assert manifest["summary"]["held"] == {"unknown": 2}
    with FaultServer([good()]) as server:
        other = elsewhere(Shop(shop.root, server), tmp_path / "other", "outputs")
        plan = other.plan()
        assert [action.verb for action in plan.actions] == [Verb.KEEP] * 3 + [Verb.HELD] * 2 + [Verb.CREATE] * 3
        done = other.apply_plan(plan)
        assert (done.finished.kept, done.finished.held) == (3, ("shots[i=4]", "shots[i=5]"))
    assert asked(server) == [6, 7, 8]


def test_after_a_kill_the_lock_alone_keeps_paid_images_from_being_asked_for_again(tmp_path: Path) -> None:
    with FaultServer(silent_from(4)) as server:
        shop = Shop(tmp_path / "ci", server, {"concurrency": 2})
        shop.write(shots=numbered(6))
        killed_at(shop, shop.root / LOCK, MADE_AND_UNDER_WAY)
    with FaultServer([good()]) as server:
        other = elsewhere(Shop(shop.root, server), tmp_path / "other")
        plan = other.plan()
        assert [action.verb for action in plan.actions] == [Verb.LOST] * 3 + [Verb.HELD] * 2 + [Verb.CREATE]
        other.apply_plan(plan)
    assert asked(server) == [6]


def test_after_a_kill_the_same_machine_goes_on_from_its_ledger(tmp_path: Path) -> None:
    with FaultServer(silent_from(4)) as server:
        shop = Shop(tmp_path, server, {"concurrency": 2})
        shop.write(shots=numbered(5))
        killed_at(shop, shop.root / LOCK, MADE_AND_UNDER_WAY)
    with FaultServer([good()]) as server:
        again = Shop(tmp_path, server)
        assert again.apply().finished.held == ("shots[i=4]", "shots[i=5]")
        assert server.posts == []
        assert again.apply(retry_unknown=True).finished.exit_code == 0
        assert asked(server) == [4, 5]
        before = again.times()
        assert again.apply().finished.kept == 5
        assert again.times() == before


def test_a_shard_that_is_killed_leaves_what_it_paid_for_in_its_part(tmp_path: Path) -> None:
    shard = Shard(number=1, count=2)
    with FaultServer([good()]) as server:
        probe = Shop(tmp_path / "probe", server)
        probe.write(shots=numbered(12))
        mine = [action.run for action in probe.plan(shard=shard).actions if action.run is not None]
    numbers = sorted(int(str(run.params["prompt"]).split()[-1]) for run in mine)
    with FaultServer(silent_from(numbers[2])) as server:
        shop = Shop(tmp_path / "ci", server, {"concurrency": 1})
        shop.write(shots=numbered(12))
        expected = {f"lamp {i}": "made" for i in numbers[:2]} | {f"lamp {numbers[2]}": "unknown"}
        killed_at(shop, shop.root / "specs/shots.lock.1-of-2.json", expected, "--shard=1/2")
        assert not (shop.root / LOCK).exists()
    with FaultServer([good()]) as server:
        other = elsewhere(Shop(shop.root, server), tmp_path / "other", "outputs")
        assert other.apply(shard=shard).finished.held == (f"shots[i={numbers[2]}]",)
    assert asked(server) == numbers[3:]


def test_a_request_that_turns_out_not_to_be_billed_is_no_longer_held(tmp_path: Path) -> None:
    seen: list[dict[str, str]] = []

    def written() -> dict[str, str]:
        while not states(tmp_path / LOCK):
            time.sleep(0.02)
        return states(tmp_path / LOCK)

    async def answer(exchange: Exchange) -> None:
        seen.append(await asyncio.to_thread(written))
        await error(400, "bad_request")(exchange)

    with FaultServer([answer]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(1))
        assert shop.apply().finished.failed == ("shots[i=1]",)
    assert seen == [{"lamp 1": "unknown"}]
    assert shop.row("shots[i=1]").state is None


def test_a_file_that_a_replaced_run_had_elsewhere_goes_before_the_lock_forgets_it(tmp_path: Path) -> None:
    with FaultServer(silent_from(3)) as server:
        shop = Shop(tmp_path, server, {"concurrency": 1})
        shop.write(shots=numbered(2, prompt="vase {{ i }}", output="old-{{ i }}.png"))
        shop.apply()
        shop.write(shots=numbered(3, output="new-{{ i }}.png"))
        killed_at(shop, shop.root / LOCK, {"lamp 1": "made", "lamp 2": "made", "lamp 3": "unknown"})
        names = {path.name for path in shop.output("").iterdir()}
    assert names - {"manifest.json"} == {"new-1.png", "new-2.png"}


def test_what_git_brings_while_an_apply_goes_on_stays_through_a_kill(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(1), more=numbered(1, prompt="vase 1"))
        shop.apply()
        theirs = (tmp_path / LOCK).read_bytes()
        (tmp_path / LOCK).unlink()
        shutil.rmtree(tmp_path / ".specrun")
        shutil.rmtree(tmp_path / "outputs")

    def script(post: Post) -> Behaviour:
        (tmp_path / LOCK).write_bytes(theirs)
        return silent_from(3)(post)

    with FaultServer(script) as server:
        shop = Shop(tmp_path, server, {"concurrency": 1})
        shop.write(shots=numbered(3))
        expected = {"lamp 1": "made", "vase 1": "made", "lamp 2": "made", "lamp 3": "unknown"}
        killed_at(shop, tmp_path / LOCK, expected)
    assert shop.row("shots[i=3]").state is State.UNKNOWN

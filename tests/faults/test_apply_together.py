"""Applies at the same time: of one spec, and of specs that want the same."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from applying import Shop, killed, numbered
from fault_server import Behaviour, Exchange, FaultServer
from faults import good, hang, reset_after_reading, slow

from specrun.apply.events import How, RunDone, RunHeld, Waiting
from specrun.model.lock import State


def wait_for_posts(server: FaultServer, count: int, child: "subprocess.Popen[str]") -> None:
    while len(server.posts) < count:
        assert child.poll() is None, child.communicate()
        time.sleep(0.005)


def gated(gate: threading.Event) -> Behaviour:
    async def behave(exchange: Exchange) -> None:
        await asyncio.to_thread(gate.wait)
        await good()(exchange)

    return behave


def test_of_four_applies_of_one_spec_one_works_and_three_say_who_holds_it(tmp_path: Path) -> None:
    gate = threading.Event()
    with FaultServer([gated(gate)]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(24))
        children = [shop.start() for _ in range(4)]
        while sum(child.poll() is not None for child in children) < 3:
            time.sleep(0.01)
        gate.set()
        ends = [(child.communicate()[1], child.returncode) for child in children]
    assert Counter(code for _, code in ends) == {0: 1, 75: 3}
    worker = next(child.pid for child in children if child.returncode == 0)
    for errors, code in ends:
        if code == 75:
            assert f"specs/shots.yaml is being applied by process {worker} on " in errors
    assert set(server.posts_by_key.values()) == {1}
    assert len(server.posts) == 24


def test_specs_that_share_requests_and_are_applied_at_once_send_each_once(tmp_path: Path) -> None:
    with FaultServer([slow(0.1, good())]) as server:
        shop = Shop(tmp_path, server)
        names = ["shots", "stills", "posters"]
        for name in names:
            shop.write(name, job=numbered(20))
        children = [shop.start(name) for name in names]
        ends = [(child.communicate()[1], child.returncode) for child in children]
    assert ends == [("", 0)] * 3
    assert set(server.posts_by_key.values()) == {1}
    assert len(server.posts) == 20
    for name in names:
        assert all(row.outputs for row in shop.lock(name).rows.values())


def test_a_spec_waits_for_what_another_is_asking_for_and_says_so(tmp_path: Path) -> None:
    with FaultServer([slow(1.5, good())]) as server:
        shop = Shop(tmp_path, server)
        shop.write("shots", job=numbered(1))
        shop.write("stills", still=numbered(1))
        plan = shop.plan("stills")
        child = shop.start("shots")
        wait_for_posts(server, 1, child)
        waited = shop.apply_plan(plan)
        child.communicate()
    assert len(server.posts) == 1
    assert [(event.address, event.spec) for event in waited.told(Waiting)] == [("still[i=1]", "specs/shots.yaml")]
    assert [event.how for event in waited.told(RunDone)] == [How.SHARED]


def test_a_plan_made_while_another_spec_is_asking_waits_too(tmp_path: Path) -> None:
    with FaultServer([slow(1.5, good())]) as server:
        shop = Shop(tmp_path, server)
        shop.write("shots", job=numbered(1))
        shop.write("stills", still=numbered(1))
        child = shop.start("shots")
        wait_for_posts(server, 1, child)
        waited = shop.apply("stills")
        child.communicate()
    assert (len(server.posts), waited.finished.exit_code) == (1, 0)


def test_what_is_unknown_for_one_spec_is_unknown_for_all(tmp_path: Path) -> None:
    with FaultServer([reset_after_reading, good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write("shots", job=numbered(1))
        shop.write("stills", still=numbered(1))
        shop.apply("shots")
        held = shop.apply("stills")
        assert [event.state for event in held.told(RunHeld)] == [State.UNKNOWN]
        assert shop.apply("stills", retry_unknown=True).finished.exit_code == 0
        settled = shop.apply("shots")
    assert len(server.posts) == 2
    assert [event.how for event in settled.told(RunDone)] == [How.RESTORED]
    assert shop.row("job[i=1]").state is None


def test_another_spec_does_not_ask_again_for_what_a_killed_apply_had_sent(tmp_path: Path) -> None:
    with FaultServer([hang, good()]) as server:
        shop = Shop(tmp_path, server, {"timeout": 30})
        shop.write("shots", job=numbered(1))
        shop.write("stills", still=numbered(1))
        child = shop.start("shots")
        wait_for_posts(server, 1, child)
        killed(child)
        assert shop.apply("stills").finished.held == ("still[i=1]",)
        assert shop.apply("shots").finished.held == ("job[i=1]",)
        assert shop.apply("stills", retry_unknown=True).finished.exit_code == 0
        assert shop.apply("shots").finished.exit_code == 0
    assert len(server.posts) == 2


def test_runs_that_share_a_request_share_its_images_and_its_fate(tmp_path: Path) -> None:
    with FaultServer([reset_after_reading, good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(1), stills=numbered(1))
        assert shop.apply().finished.held == ("shots[i=1]", "stills[i=1]")
        done = shop.apply(retry_unknown=True)
    assert sorted(event.how.value for event in done.told(RunDone)) == ["requested", "shared"]
    assert len(server.posts) == 2


def test_the_first_interruption_finishes_what_is_in_flight_and_the_next_apply_goes_on(tmp_path: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with FaultServer([slow(0.5, good())]) as server:
            root = tmp_path / number.name
            shop = Shop(root, server, {"concurrency": 4})
            shop.write(shots=numbered(12))
            child = shop.start()
            wait_for_posts(server, 4, child)
            child.send_signal(number)
            _, errors = child.communicate()
            assert (child.returncode, errors) == (130, "")
            assert len(server.posts) == 4
            made = [row for row in shop.lock().rows.values() if row.outputs]
            assert len(made) == 4
            assert all(shop.output(row.outputs[0].path).is_file() for row in made)
            assert shop.apply().finished.exit_code == 0
        assert len(server.posts) == 12


def test_the_second_interruption_does_not_wait_and_what_was_in_flight_is_unknown(tmp_path: Path) -> None:
    with FaultServer([hang]) as server:
        shop = Shop(tmp_path, server, {"concurrency": 3, "timeout": 60})
        shop.write(shots=numbered(6))
        child = shop.start()
        wait_for_posts(server, 3, child)
        child.send_signal(signal.SIGINT)
        assert child.stdout is not None
        while not child.stdout.readline().startswith("Stopping"):
            pass
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=30)
        assert (child.returncode, errors) == (130, "")
        server._script = [good()]
        after = shop.apply()
    assert len(after.finished.held) == 3
    assert after.finished.made == 3
    assert set(server.posts_by_key.values()) == {1}


def test_requests_are_sent_in_the_order_of_the_plan_and_no_more_at_once_than_allowed(tmp_path: Path) -> None:
    gate = threading.Event()
    with FaultServer([gated(gate)]) as server:
        shop = Shop(tmp_path, server, {"concurrency": 5})
        shop.write(shots=numbered(15))
        child = shop.start()
        wait_for_posts(server, 5, child)
        time.sleep(0.2)
        first = [post.prompt for post in server.posts]
        gate.set()
        child.communicate()
    assert sorted(first) == [f"lamp {number}" for number in range(1, 6)]
    assert server.most_in_flight == 5


OPENING = """
import sys
from pathlib import Path
from specrun.store.ledger_schema import open_for_reading, open_for_writing

path = Path(sys.argv[1])
for turn in range(30):
    if turn % 2:
        with open_for_reading(path) as connection:
            if connection is not None:
                connection.execute("SELECT count(*) FROM attempts").fetchone()
    else:
        connection = open_for_writing(path)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
        connection.close()
"""


def test_a_ledger_can_be_opened_while_others_make_it_and_take_its_log_away(tmp_path: Path) -> None:
    for turn in range(4):
        path = tmp_path / str(turn) / "ledger.db"
        command = [sys.executable, "-c", OPENING, str(path)]
        children = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
        assert [child.communicate()[1] for child in children] == [""] * 4

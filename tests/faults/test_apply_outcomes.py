"""What each answer of a server makes of a run, in the lock, on disk and at the next apply."""

import base64
import time
from pathlib import Path

import pytest
from applying import FLUX, Shop, killed, numbered
from fault_server import Behaviour, FaultServer, by_prompt, picture
from faults import error, good, images, linked, raw, reset_after_reading, says

from specrun.apply.events import Resending, RunFailed, RunHeld, Stopping, Warned
from specrun.model.lock import State

PICTURE = picture("always the same", "JPEG")


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_images_are_made_delivered_locked_and_listed_and_a_second_apply_touches_nothing(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(5))
        first = shop.apply()
        before = shop.times()
        second = shop.apply()
    assert (first.finished.exit_code, first.finished.requests, first.finished.made) == (0, 5, 5)
    assert (second.finished.exit_code, second.finished.requests, second.finished.kept) == (0, 0, 5)
    assert len(server.posts) == 5
    assert shop.times() == before
    row = shop.row("shots[i=3]")
    assert [output.path for output in row.outputs] == ["shots/3.png"]
    assert row.request_digest == row.key
    assert server.posts_by_key[f"{row.key}.1"] == 1


def test_lost_replies_are_held_as_unknown_and_resent_only_when_asked_under_the_same_key(tmp_path: Path) -> None:
    with FaultServer([reset_after_reading]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(4))
        lost = shop.apply()
        again = shop.apply()
        assert (len(server.posts), lost.finished.exit_code, again.finished.exit_code) == (4, 1, 1)
        assert len(lost.told(RunHeld)) == len(again.told(RunHeld)) == 4
        assert {row.state for row in shop.lock().rows.values()} == {State.UNKNOWN}
        assert again.finished.stake == ()
        assert lost.finished.figures == again.finished.earlier
        (stake,) = lost.finished.stake
        assert (str(stake.amount), stake.currency) == ("0.40", "CNY")
        server._script = [good()]
        retried = shop.apply(retry_unknown=True)
    assert retried.finished.exit_code == 0
    assert set(server.posts_by_key.values()) == {2}
    assert len(server.posts) == 8
    assert {row.state for row in shop.lock().rows.values()} == {None}


def test_unknown_is_remembered_by_the_ledger_where_the_lock_was_lost_and_by_the_lock_where_the_ledger_was(
    tmp_path: Path,
) -> None:
    with FaultServer([reset_after_reading]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(1))
        shop.apply()
        lock = tmp_path / "specs" / "shots.lock.json"
        text = lock.read_bytes()
        lock.unlink()
        assert shop.apply().finished.held == ("shots[i=1]",)
        assert lock.read_bytes() == text
        (tmp_path / ".specrun" / "ledger.db").unlink()
        assert shop.apply().finished.held == ("shots[i=1]",)
    assert len(server.posts) == 1


def test_a_bad_request_fails_alone_and_is_asked_again_by_the_next_apply(tmp_path: Path) -> None:
    with FaultServer(by_prompt({"lamp 2": [error(400, "param_error"), good()]}, good())) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(3))
        first = shop.apply()
        assert first.finished.exit_code == 1
        (failed,) = first.told(RunFailed)
        assert (failed.address, failed.request_id) == ("shots[i=2]", "req-0123456789")
        assert shop.row("shots[i=2]").outputs == ()
        assert shop.apply().finished.exit_code == 0
    assert len(server.posts) == 4


def test_a_refusal_is_held_until_its_request_changes(tmp_path: Path) -> None:
    with FaultServer(by_prompt({"lamp 1": [error(400, "sensitive_check_error")]}, good())) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(1))
        refused = shop.apply()
        shop.apply()
        shop.apply(retry_unknown=True)
        assert len(server.posts) == 1
        assert shop.row("shots[i=1]").state is State.REFUSED
        (held,) = refused.told(RunHeld)
        assert held.stake is None
        shop.write(shots=numbered(1, prompt="a friendly lamp"))
        assert shop.apply().finished.exit_code == 0
    assert len(server.posts) == 2


def test_a_short_reply_delivers_what_came_and_is_paid_for_once(tmp_path: Path) -> None:
    with FaultServer([images(lambda content: {"b64_json": encoded(content)}, count=2), good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots={"model": FLUX, "prompt": "a lamp", "params": {"n": 4}})
        short = shop.apply()
        assert short.finished.exit_code == 1
        row = shop.row("shots")
        assert row.state is State.PARTIAL
        assert [output.index for output in row.outputs] == [1, 2]
        assert all(shop.output(output.path).is_file() for output in row.outputs)
        assert shop.apply().finished.held == ("shots",)
        assert len(server.posts) == 1
        replaced = shop.apply(replace=("shots",))
        assert replaced.finished.exit_code == 0
        assert [output.index for output in shop.row("shots").outputs] == [1, 2, 3, 4]
    assert [key[-2:] for key in server.posts_by_key] == [".1", ".2"]


def test_bytes_that_are_no_image_are_kept_aside_and_the_run_is_held(tmp_path: Path) -> None:
    with FaultServer([images(lambda content: {"b64_json": encoded(content[:-20])})]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(1))
        applied = shop.apply()
        shop.apply()
    assert len(server.posts) == 1
    (held,) = applied.told(RunHeld)
    assert held.state is State.UNUSABLE
    (kept,) = [path for path in (tmp_path / ".specrun" / "quarantine").rglob("*") if path.is_file()]
    assert f"put aside: sha256:{kept.parent.name}{kept.name[:10]}" in held.cause
    assert str(tmp_path) not in held.cause
    assert kept.read_bytes().startswith(b"\x89PNG")


def test_a_refused_key_stops_everything_with_what_to_do(tmp_path: Path) -> None:
    with FaultServer([good(), good(), error(401, "auth_error")]) as server:
        shop = Shop(tmp_path, server, {"concurrency": 2})
        shop.write(shots=numbered(40))
        applied = shop.apply()
    assert applied.finished.exit_code == 1
    assert applied.finished.made == 2
    assert len(server.posts) <= 4
    (stopping,) = applied.told(Stopping)
    assert "FAULT_KEY" in stopping.hint
    assert applied.finished.not_started >= 36
    with FaultServer([good()]) as healed:
        healthy = Shop(tmp_path, healed)
        assert healthy.apply().finished.exit_code == 0
    assert len(healed.posts) == 38


def test_what_was_not_billed_is_resent_until_it_works(tmp_path: Path) -> None:
    trouble = [error(429, "rate_limit"), error(503, "busy"), error(500, "internal_error"), good()]
    with FaultServer(by_prompt({"lamp 1": trouble}, good())) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(2))
        applied = shop.apply()
    assert applied.finished.exit_code == 0
    assert [event.status for event in applied.told(Resending)] == [429, 503, 500]
    assert sorted(server.posts_by_key.values()) == [1, 4]


def test_a_request_that_never_works_fails_when_its_time_is_over(tmp_path: Path) -> None:
    with FaultServer([error(503, "busy")]) as server:
        shop = Shop(tmp_path, server, {"retry_for": 0.1})
        shop.write(shots=numbered(1))
        applied = shop.apply()
        assert applied.finished.failed == ("shots[i=1]",)
        assert shop.row("shots[i=1]").state is None
        server._script = [good()]
        assert shop.apply().finished.exit_code == 0


@pytest.mark.parametrize("behaviour", [raw(502, b"<html>"), raw(200, b"{"), says(504, {"error": {"code": "timeout"}})])
def test_what_may_have_been_billed_is_never_resent(tmp_path: Path, behaviour: Behaviour) -> None:
    with FaultServer([behaviour]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(3))
        assert len(shop.apply().finished.held) == 3
        assert len(shop.apply().finished.held) == 3
    assert len(server.posts) == 3


def test_equal_images_for_different_seeds_and_other_surprises_are_said_once_a_job(tmp_path: Path) -> None:
    same = [images(lambda content: {"b64_json": encoded(PICTURE)}, kind="JPEG")]
    with FaultServer(same) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(4), stills=numbered(2, prompt="still {{ i }}"))
        applied = shop.apply()
    said = [(event.job, event.diagnostic.summary) for event in applied.told(Warned)]
    kinds = ("equal images for different seeds", "image type differs", "size differs")
    assert sorted(said) == [(job, kind) for job in ("shots", "stills") for kind in kinds]
    assert [output.path for output in shop.row("shots[i=1]").outputs] == ["shots/1.jpg"]


def test_images_that_could_not_be_fetched_are_fetched_by_the_next_apply_and_not_asked_for_again(
    tmp_path: Path,
) -> None:
    with FaultServer([linked(statuses=[503] * 10_000)]) as server:
        shop = Shop(tmp_path, server, {"retry_for": 0.1})
        shop.write(shots={"model": FLUX, "prompt": "a lamp", "params": {"n": 2}})
        first = shop.apply()
        assert first.finished.held == ("shots",)
        assert shop.row("shots").state is State.PARTIAL
        first_file, second_file = server.files.values()
        first_file.statuses = []
        assert shop.apply().finished.held == ("shots",)
        assert [output.index for output in shop.row("shots").outputs] == [1]
        second_file.statuses = []
        whole = shop.apply()
        assert whole.finished.exit_code == 0
        gets = len(server.gets)
        assert shop.apply().finished.kept == 1
    assert (len(server.posts), len(server.gets)) == (1, gets)
    assert [output.index for output in shop.row("shots").outputs] == [1, 2]


def test_an_apply_that_is_killed_while_it_fetches_leaves_nothing_to_pay_again(tmp_path: Path) -> None:
    with FaultServer([linked(endless=True)]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(3))
        child = shop.start()
        while len(server.gets) < 3:
            assert child.poll() is None, child.communicate()
            time.sleep(0.005)
        killed(child)
        for file in server.files.values():
            file.endless = False
        after = shop.apply(retry_unknown=True)
    assert (after.finished.exit_code, after.finished.requests) == (0, 0)
    assert len(server.posts) == 3

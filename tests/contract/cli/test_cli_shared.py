"""A shared store behind apply, push and pull, over the real S3 protocol, in good times and bad."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from s3_server import Fault, S3Server, s3_server
from s3_team import SPEC, Team, images

from specrun.store.settled import Settled


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture
def team(specrun: Any, s3: S3Server) -> Team:
    return Team(specrun, s3, s3.bucket())


def test_what_one_machine_made_is_restored_on_another_without_a_request(team: Team) -> None:
    first = team.machine("first")
    team.run(first, "apply", "--yes", SPEC)
    assert len(team.s3.objects(team.bucket)) == 4
    second = team.machine("second", mode="read")
    team.s3.asked.clear()
    assert "restore 4 runs" in team.run(second, "plan", SPEC).out
    assert team.s3.asked == []  # a plan contacts nobody
    ended = team.run(second, "apply", "--yes", "--frozen", SPEC)
    assert "Requests: 0." in ended.out
    assert images(second) == images(first)
    assert {method for method, _ in team.s3.asked} == {"GET"}
    for path in ("specs/dots.lock.json", "outputs/dots/manifest.json"):
        assert (second / path).read_bytes() == (first / path).read_bytes()


def test_a_second_apply_asks_the_bucket_nothing(team: Team) -> None:
    first = team.machine("first")
    team.run(first, "apply", "--yes", SPEC)
    team.s3.asked.clear()
    team.run(first, "apply", "--yes", SPEC)
    assert team.s3.asked == []


def test_images_outlive_a_bucket_that_is_away_and_go_there_later(team: Team) -> None:
    first = team.machine("first")
    team.s3.faults.append(Fault(method="PUT", kind="unavailable", times=1000))
    ended = team.run(first, "apply", "--yes", SPEC, code=1)
    assert "4 images made, 4 not shared" in ended.out
    assert "error: images not shared" in ended.err
    assert len(images(first)) == 4
    team.s3.faults.clear()
    ended = team.run(first, "apply", "--yes", SPEC)
    assert "Requests: 0." in ended.out
    assert len(team.s3.objects(team.bucket)) == 4


def test_a_bucket_that_is_not_there_is_named_by_apply_and_by_push(team: Team) -> None:
    first = team.machine("first")
    settings = first / "specrun.yaml"
    settings.write_text(settings.read_text("utf-8").replace(team.bucket, "no-such-bucket"), "utf-8")
    for command in (("apply", "--yes"), ("push",)):
        ended = team.run(first, *command, SPEC, code=1)
        assert "s3://no-such-bucket/images takes nothing: The specified bucket does not exist" in ended.err
        assert "make the bucket, or correct `store.url` in specrun.yaml" in ended.err


@pytest.mark.parametrize("reading", [True, False])
def test_a_second_interruption_does_not_wait_for_a_bucket_that_never_answers(team: Team, reading: bool) -> None:
    if reading:
        team.run(team.machine("first"), "apply", "--yes", SPEC)
    machine = team.machine("second")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = team.s3.environment() | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        command = [sys.executable, "-m", "specrun", "-C", str(machine), "apply", "--yes", SPEC]
        with subprocess.Popen(
            command, env=os.environ | environment, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            try:
                kept_open, _ = silent.accept()
                process.send_signal(signal.SIGINT)
                assert process.stderr is not None
                while "once more ends at once" not in process.stderr.readline():
                    assert process.poll() is None
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=20)
                kept_open.close()
            finally:
                process.kill()
    assert process.returncode == 130
    assert "Requests: 0." in team.run(machine, "apply", "--yes", SPEC).out


def test_an_interrupted_pull_does_not_wait_for_a_bucket_that_never_answers(team: Team) -> None:
    team.run(team.machine("first", runs=12), "apply", "--yes", SPEC)
    second = team.machine("second", mode="read", runs=12)
    team.s3.faults.append(Fault(method="GET", kind="silent", times=8))
    command = [sys.executable, "-m", "specrun", "-C", str(second), "pull", SPEC]
    with subprocess.Popen(command, env=os.environ | team.s3.environment(), stderr=subprocess.DEVNULL) as process:
        try:
            while team.s3.faults:
                assert process.poll() is None
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 130
    team.run(second, "pull", SPEC)
    team.run(second, "apply", "--frozen", "--yes", SPEC)


def test_uploads_that_a_kill_cut_off_go_on_with_the_next_apply(team: Team) -> None:
    first = team.machine("first", runs=12)
    team.killed(first, "PUT", "apply", "--yes", SPEC, after=first / "specs/dots.lock.json")
    assert len(team.s3.objects(team.bucket)) < 12
    assert "Requests: 0." in team.run(first, "apply", "--yes", SPEC).out
    assert len(team.s3.objects(team.bucket)) == 12


def settled(machine: Path) -> bool:
    return (machine / ".specrun/settled").exists()


def test_where_all_is_shared_nothing_is_left_to_do_and_nobody_is_asked(team: Team) -> None:
    first = team.machine("first")
    team.run(first, "apply", "--yes", SPEC)
    assert settled(first)
    team.s3.asked.clear()
    for _ in range(2):
        assert "Done: 4 runs kept." in team.run(first, "apply", "--yes", SPEC).out
        (first / SPEC).write_text((first / SPEC).read_text() + "# more\n")
    assert team.s3.asked == []


def test_specs_applied_together_are_all_settled(team: Team) -> None:
    first = team.machine("first")
    (first / "specs/more.yaml").write_text((first / SPEC).read_text().replace("dot ", "spot "))
    team.run(first, "apply", "--yes", "specs")
    records = [path.read_bytes() for path in (first / ".specrun/settled").iterdir()]
    assert [msgspec.json.decode(record, type=Settled).holds(first / ".specrun") for record in records] == [True, True]


def test_what_could_not_be_shared_is_not_settled(team: Team) -> None:
    first = team.machine("first")
    team.s3.faults.append(Fault(method="PUT", kind="denied", times=100))
    team.run(first, "apply", "--yes", SPEC, code=1)
    assert not settled(first)
    team.s3.faults.clear()
    team.run(first, "apply", "--yes", SPEC)
    assert settled(first)
    assert len(team.s3.objects(team.bucket)) == 4


@pytest.mark.parametrize("how", ["another store", "a store that is written", "no list of what was shared"])
def test_what_is_to_be_shared_once_more_is_although_all_runs_are_kept(team: Team, how: str) -> None:
    first = team.machine("first", mode="read" if how == "a store that is written" else "readwrite")
    team.run(first, "apply", "--yes", SPEC)
    assert settled(first)
    before = team.s3.objects(team.bucket)
    if how == "no list of what was shared":
        shutil.rmtree(first / ".specrun/shared")
    else:
        settings = (
            (first / "specrun.yaml")
            .read_text()
            .replace("/images", "/others")
            .replace("mode: read}", "mode: readwrite}")
        )
        (first / "specrun.yaml").write_text(settings)
    team.s3.asked.clear()
    team.run(first, "apply", "--yes", SPEC)
    assert team.s3.count("HEAD") == 4
    assert len(team.s3.objects(team.bucket)) == len(before) + (0 if how == "no list of what was shared" else 4)


@pytest.mark.parametrize("kind", ["unavailable", "cut", "swap"])
def test_passing_faults_cost_nothing(team: Team, kind: str) -> None:
    first = team.machine("first")
    team.s3.faults.append(Fault(method="PUT", kind="unavailable", times=2))
    team.run(first, "apply", "--yes", SPEC)
    second = team.machine("second")
    team.s3.faults.append(Fault(method="GET", kind=kind, times=1))
    assert "Requests: 0." in team.run(second, "apply", "--yes", SPEC).out
    assert images(second) == images(first)


def test_a_swapped_object_is_refused_never_asked_for_unasked_and_replaced_by_a_push(team: Team) -> None:
    first = team.machine("first")
    team.run(first, "apply", "--yes", SPEC)
    one, other, *_ = sorted(team.s3.objects(team.bucket).items())
    client = team.s3.client()
    client.put_object(Bucket=team.bucket, Key=one[0], Body=other[1])
    client.put_object(Bucket=team.bucket, Key=other[0], Body=other[1][:-100])
    second = team.machine("second")
    ended = team.run(second, "apply", "--yes", SPEC, code=1)
    assert ended.err.count("holds something else in the place of") == 2
    assert "Requests: 0." in ended.out
    assert set(images(second).values()) < set(images(first).values())
    assert "2 images pushed, 2 there already" in team.run(first, "push", SPEC).out
    team.run(second, "apply", "--yes", SPEC)
    assert images(second) == images(first)


def test_what_no_one_has_is_asked_for_again_only_where_told_to_and_only_that(team: Team) -> None:
    first = team.machine("first")
    team.run(first, "apply", "--yes", SPEC)
    gone = min(team.s3.objects(team.bucket))
    team.s3.client().delete_object(Bucket=team.bucket, Key=gone)
    second = team.machine("second")
    ended = team.run(second, "apply", "--yes", SPEC, code=1)
    assert "does not have sha256:" in ended.err
    assert "--regenerate-lost asks (and pays) again" in ended.err
    ended = team.run(second, "apply", "--yes", "--regenerate-lost", SPEC)
    assert "Requests: 1." in ended.out
    assert images(second) == images(first)
    assert len(team.s3.objects(team.bucket)) == 4


def test_nothing_is_paid_for_again_while_the_store_is_out_of_reach(team: Team) -> None:
    first = team.machine("first", runs=1)
    team.run(first, "apply", "--yes", SPEC)
    second = team.machine("second", runs=1)
    team.s3.faults.append(Fault(method="GET", kind="unavailable", times=1000))
    ended = team.run(second, "apply", "--yes", "--regenerate-lost", SPEC, code=1)
    assert "is out of reach" in ended.err
    assert "Requests: 0." in ended.out


def test_a_store_that_is_only_read_is_never_written(team: Team) -> None:
    fork = team.machine("fork", mode="read")
    team.run(fork, "apply", "--yes", SPEC)
    assert "store that is only read" in team.run(fork, "push", SPEC, code=1).err
    assert team.s3.asked == []


def test_push_and_pull_move_what_is_missing(team: Team) -> None:
    first = team.machine("first", mode="read")
    team.run(first, "apply", "--yes", SPEC)
    shutil.rmtree(first / ".specrun/store")  # the delivered files have the bytes too
    (first / "specrun.yaml").write_text(
        (first / "specrun.yaml").read_text("utf-8").replace("mode: read", "mode: readwrite"), "utf-8"
    )
    assert "4 images pushed, 0 there already" in team.run(first, "push", "specs").out
    assert "0 images pushed, 4 there already" in team.run(first, "push", "specs").out
    second = team.machine("second")
    assert "4 images pulled, 0 there already" in team.run(second, "pull", SPEC).out
    team.s3.asked.clear()
    team.s3.faults.append(Fault(method="GET", kind="unavailable", times=1000))
    assert "Requests: 0." in team.run(second, "apply", "--yes", SPEC).out
    # Only whether anyone has removed images meanwhile is asked, and the answer can be done without.
    assert {path.rpartition("/")[2] for _, path in team.s3.asked} == {"pruned"}
    assert images(second) == images(first)


def test_push_says_what_nobody_has(team: Team) -> None:
    first = team.machine("first")
    team.run(first, "apply", "--yes", SPEC)
    key = min(team.s3.objects(team.bucket))
    team.s3.client().delete_object(Bucket=team.bucket, Key=key)
    empty = team.machine("empty")
    ended = team.run(empty, "push", SPEC, code=1)
    assert "is neither on this machine nor in s3://" in ended.err
    assert "3 there already, 1 not pushed" in ended.out


def test_without_a_store_push_and_pull_say_how_to_name_one(project: Any) -> None:
    for command in ("push", "pull"):
        assert "store: {url: s3://bucket/prefix}" in project(command, "specs/quickstart.yaml", code=1).err


def test_a_rehearsal_leaves_the_bucket_alone(team: Team) -> None:
    first = team.machine("first", runs=1)
    team.run(first, "apply", "--rehearse", SPEC)
    assert team.s3.asked == []

"""Images that were brought along where neither lock nor ledger was: what they say of themselves, proven, counts."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from applying import FLUX, Shop, numbered
from fault_server import FaultServer
from faults import good

from specrun.apply.events import How, RunDone, RunFailed
from specrun.model.lock import State
from specrun.model.plan import Verb
from specrun.provenance.embed import as_delivered, embed, extract
from specrun.store.lockfile import write_lock

EDIT = "black-forest-labs/Flux-Kontext-Pro"


def made(root: Path, server: FaultServer, **jobs: Any) -> Shop:
    shop = Shop(root, server)
    shop.write(**jobs)
    assert shop.apply().finished.exit_code == 0
    return shop


def forget(shop: Shop, *, lock: bool = True) -> None:
    """Leave the outputs, as an artifact of CI may, and nothing that knows of them."""
    shutil.rmtree(shop.root / ".specrun")
    shop.output("manifest.json").unlink()
    if lock:
        (shop.root / "specs/shots.lock.json").unlink()


def verbs(shop: Shop, **asked: Any) -> list[Verb]:
    return [action.verb for action in shop.plan(**asked).actions]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_images_that_say_which_run_they_answer_are_taken_for_it(tmp_path: Path, kind: str) -> None:
    with FaultServer([good(kind)]) as server:
        shop = made(tmp_path, server, shots=numbered(3), pair={"model": FLUX, "prompt": "two", "params": {"n": 2}})
        before, times = shop.written(), shop.times()
        asked = len(server.posts)
        forget(shop)
        plan = shop.plan()
        assert {action.verb for action in plan.actions} == {Verb.RESTORE}
        assert {action.reason for action in plan.actions} == {
            "its image stands there already, and says itself which request it answers"
        }
        assert (plan.totals.requests, shop.plan().digest) == (0, plan.digest)
        applied = shop.apply_plan(plan)
        assert {event.how for event in applied.told(RunDone)} == {How.RESTORED}
        assert shop.written() == before
        images = [path for path in times if path.startswith("outputs/") and not path.endswith("manifest.json")]
        assert [shop.times()[path] for path in images] == [times[path] for path in images]
        assert len(server.posts) == asked


def test_a_chain_is_taken_where_what_it_was_made_from_is(tmp_path: Path) -> None:
    edit = {"model": EDIT, "prompt": "at night", "params": {"image": "{{ output('shots', i=1) }}"}}
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server, shots=numbered(1), edit=edit)
        before = shop.written()
        forget(shop)
        assert verbs(shop) == [Verb.RESTORE, Verb.RESTORE]
        shop.apply()
        assert shop.written() == before
    assert len(server.posts) == 2


def test_an_image_at_one_path_serves_every_run_of_its_request(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server, shots=numbered(1))
        forget(shop)
        shop.write(also=numbered(1), shots=numbered(1))
        assert verbs(shop) == [Verb.RESTORE, Verb.RESTORE]
        assert shop.apply().finished.exit_code == 0
    assert len(server.posts) == 1


def test_an_image_that_came_after_the_lock_held_its_run_is_taken(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server, shots=numbered(2))
        before = shop.written()
        lock = shop.lock()
        forget(shop, lock=False)
        held = {
            address: type(row)(**{**_fields(row), "outputs": (), "provenance": None, "state": State.UNKNOWN})
            for address, row in lock.rows.items()
        }
        write_lock(
            tmp_path / "specs/shots.lock.json",
            type(lock)(spec=lock.spec, name=lock.name, files=lock.files, vars=lock.vars, rows=held),
        )
        assert verbs(shop) == [Verb.RESTORE, Verb.RESTORE]
        assert shop.apply().finished.exit_code == 0
        assert shop.written() == before
    assert len(server.posts) == 2


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


def _edited(data: bytes) -> bytes:
    """Return the image with another picture and the same record."""
    at = data.index(b"IDAT") + 12
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _retold(data: bytes) -> bytes:
    """Return the image with a record that was edited by hand."""
    return data.replace(b"lamp 1", b"lamp 9")


def _stripped(data: bytes) -> bytes:
    received = as_delivered(data)
    assert received is not None
    return received


@pytest.mark.parametrize("change", [_edited, _retold, _stripped, lambda data: data[:-1], lambda _: b"mine"])
def test_what_is_not_byte_for_byte_what_was_delivered_is_a_strangers(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server, shots=numbered(2))
        forget(shop)
        image = shop.output("shots/1.png")
        image.write_bytes(change(image.read_bytes()))
        theirs = image.read_bytes()
        blocked, taken = shop.plan().actions
        assert (blocked.verb, taken.verb) == (Verb.BLOCKED, Verb.RESTORE)
        assert blocked.reason == "outputs/shots/shots/1.png is in the way, and specrun did not make it; move it away"
        (failed,) = shop.apply().told(RunFailed)
        assert "is in the way" in failed.cause
        assert image.read_bytes() == theirs
    assert len(server.posts) == 2


def test_a_picture_with_the_record_of_another_run_answers_none(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server, shots=numbered(2))
        forget(shop)
        one, two = shop.output("shots/1.png"), shop.output("shots/2.png")
        other, facts = as_delivered(two.read_bytes()), extract(one.read_bytes())
        assert other is not None
        assert facts is not None
        one.write_bytes(embed(other, facts))
        assert verbs(shop)[0] is Verb.BLOCKED
    assert len(server.posts) == 2


def test_an_image_of_an_earlier_request_is_kept_in_the_store_before_the_new_one_takes_its_place(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server, shots=numbered(1))
        received = as_delivered(shop.output("shots/1.png").read_bytes())
        forget(shop)
        shop.write(shots=numbered(1, prompt="a better lamp {{ i }}"))
        assert verbs(shop) == [Verb.CREATE]
        assert shop.apply().finished.exit_code == 0
        assert received in [path.read_bytes() for _, path in shop.place().blobs().all()]
    assert len(server.posts) == 2


def test_a_folder_where_a_file_should_be_is_foreseen(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(2), flat={"model": FLUX, "prompt": "flat"})
        shop.output("shots/1.png").mkdir(parents=True)
        shop.output("flat").write_text("a file where a folder should be")
        reasons = {action.address: (action.verb, action.reason) for action in shop.plan().actions}
        assert reasons["shots[i=1]"] == (
            Verb.BLOCKED,
            "outputs/shots/shots/1.png is a folder, where a file should be; move it away",
        )
        assert reasons["flat"][1] == "outputs/shots/flat is a file, where a folder should be; move it away"
        assert sorted(shop.apply().finished.failed) == ["flat", "shots[i=1]"]
    assert [post.prompt for post in server.posts] == ["lamp 2"]


@pytest.mark.parametrize("changes", [{}, {"prompt": "a better lamp {{ i }}"}], ids=["restored", "replaced"])
def test_a_folder_where_a_locked_file_should_be_is_foreseen_too(tmp_path: Path, changes: dict[str, str]) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server, shots=numbered(1))
        image = shop.output("shots/1.png")
        image.unlink()
        image.mkdir()
        shop.write(shots=numbered(1, **changes))
        (action,) = shop.plan().actions
        reason = "outputs/shots/shots/1.png is a folder, where a file should be; move it away"
        assert (action.verb, action.reason) == (Verb.BLOCKED, reason)
        assert shop.apply().finished.failed == ("shots[i=1]",)
        image.rmdir()
        assert shop.apply().finished.exit_code == 0
    assert len(server.posts) == 1 + len(changes)


def test_an_image_that_only_its_output_still_holds_is_taken_though_the_ledger_knows_its_request(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server, shots=numbered(2))
        before = shop.written()
        for _, blob in [*shop.place().blobs().all()]:
            blob.unlink()
        (shop.root / "specs/shots.lock.json").unlink()
        assert verbs(shop) == [Verb.RESTORE, Verb.RESTORE]
        assert shop.apply().finished.exit_code == 0
        assert shop.written() == before
    assert len(server.posts) == 2

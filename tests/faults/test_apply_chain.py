"""Images made from images: in order, by their real bytes, and no more of them than need be."""

import base64
from pathlib import Path
from typing import Any

from applying import FLUX, Shop, numbered
from fault_server import Behaviour, Exchange, FaultServer, by_prompt, picture
from faults import error, good, images, reset_after_reading

from specrun.apply.events import How, RunBlocked, RunDone, RunFailed

KONTEXT = "black-forest-labs/Flux-Kontext-Pro"


def chained(prompt: str = "lamp {{ i }}") -> dict[str, Any]:
    """Two sketches, each with two edits, and one poster of all four."""
    return {
        "sketch": numbered(2, prompt=prompt),
        "edit": {
            "model": KONTEXT,
            "prompt": "{{ how }} it",
            "matrix": {"source": "{{ outputs('sketch') }}", "how": ["light", "paint"]},
            "params": {"image": "{{ source }}"},
        },
        "poster": {
            "model": "black-forest-labs/Flux-Kontext-Max-multi",
            "prompt": "a poster",
            "params": {"images": "{{ outputs('edit') }}"},
        },
    }


def prompts(server: FaultServer) -> list[str]:
    return sorted(post.prompt for post in server.posts)


async def of_everything(exchange: Exchange) -> None:
    """A picture that differs with all that was sent, input images too."""
    exchange.bill()
    content = picture(exchange.post.content.decode())
    await exchange.reply(200, {"created": 1, "data": [{"b64_json": base64.b64encode(content).decode()}]})


def constant(name: str) -> Behaviour:
    """The same picture whatever is asked for."""
    return images(lambda _: {"b64_json": base64.b64encode(picture(name)).decode()})


def test_each_image_is_made_from_the_bytes_of_those_before_it(tmp_path: Path) -> None:
    sent: dict[str, list[bytes]] = {}

    async def remember(exchange: Exchange) -> None:
        body = exchange.post.body
        urls = [body["image"]] if "image" in body else body.get("images", [])
        sent[exchange.post.key] = [base64.b64decode(url.partition(",")[2]) for url in urls]
        await good()(exchange)

    with FaultServer([remember]) as server:
        shop = Shop(tmp_path, server)
        shop.write(**chained())
        assert shop.apply().finished.exit_code == 0
        before = shop.times()
        assert shop.apply().finished.requests == 0
        assert shop.times() == before
    assert len(server.posts) == 2 + 4 + 1
    rows = shop.lock().rows
    poster = rows["poster"]
    assert poster.request_digest != poster.key
    delivered = [rows[source.partition("#")[0]].outputs[0].blob for source in poster.inputs]
    assert delivered == list(poster.inputs.values())
    stored = shop.place("shots").blobs()
    assert sorted(map(stored.read, delivered)) == sorted(sent[f"{poster.request_digest}.1"])


def test_where_new_images_equal_the_old_what_is_made_from_them_is_kept(tmp_path: Path) -> None:
    with FaultServer(by_prompt({"lamp": [constant("lamp")], "torch": [constant("lamp")]}, good())) as server:
        shop = Shop(tmp_path, server)
        shop.write(**chained())
        shop.apply()
        keys = {address: row.key for address, row in shop.lock().rows.items()}
        shop.write(**chained("torch {{ i }}"))
        again = shop.apply()
    assert again.finished.requests == 2
    assert prompts(server).count("torch 1") == 1
    assert {event.address for event in again.told(RunDone) if event.how is How.REQUESTED} == {
        "sketch[i=1]",
        "sketch[i=2]",
    }
    assert again.finished.kept == 5
    assert all(row.key != keys[address] for address, row in shop.lock().rows.items())


def test_what_depends_on_a_failed_run_is_blocked_and_nothing_else(tmp_path: Path) -> None:
    with FaultServer(by_prompt({"lamp 2": [error(400, "param_error"), good()]}, good())) as server:
        shop = Shop(tmp_path, server)
        shop.write(**chained())
        first = shop.apply()
        blocked = {(event.address, event.by) for event in first.told(RunBlocked)}
        assert first.finished.failed == ("sketch[i=2]",)
        assert {by for _, by in blocked} >= {"sketch[i=2]"}
        assert len(blocked) == 3
        assert first.finished.made == 3
        second = shop.apply()
        assert (second.finished.exit_code, second.finished.made) == (0, 4)
    assert len(server.posts) == 8


def test_what_depends_on_an_unknown_run_waits_for_it_to_be_settled(tmp_path: Path) -> None:
    with FaultServer(by_prompt({"lamp 2": [reset_after_reading, good()]}, good())) as server:
        shop = Shop(tmp_path, server)
        shop.write(**chained())
        assert len(shop.apply().finished.blocked) == 3
        assert len(shop.apply().finished.blocked) == 3
        assert shop.apply(retry_unknown=True).finished.exit_code == 0
    assert len(server.posts) == 8


def test_one_changed_source_remakes_only_what_comes_of_it(tmp_path: Path) -> None:
    with FaultServer([of_everything]) as server:
        shop = Shop(tmp_path, server)
        shop.write(**chained())
        shop.apply()
        shop.write(**chained("{{ 'lamp' if i == 1 else 'torch' }} {{ i }}"))
        again = shop.apply()
    assert again.finished.requests == 1 + 2 + 1
    assert again.finished.kept == 3


def test_bytes_of_an_input_that_only_the_outputs_hold_are_sent_too(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(sketch=numbered(1))
        shop.apply()
        for path in (tmp_path / ".specrun").rglob("*"):
            if path.is_file():
                path.unlink()
        edit = {"model": KONTEXT, "prompt": "light it", "params": {"image": "{{ output('sketch') }}"}}
        shop.write(sketch=numbered(1), edit=edit)
        assert shop.apply().finished.exit_code == 0
    assert len(server.posts) == 2


def test_an_input_that_is_damaged_in_the_store_fails_its_run_alone(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(sketch=numbered(1))
        shop.apply()
        blob = shop.row("sketch[i=1]").outputs[0].blob
        shop.place().blobs().path(blob).write_bytes(b"rot")
        edit = {"model": KONTEXT, "prompt": "light it", "params": {"image": "{{ output('sketch') }}"}}
        shop.write(sketch=numbered(1), edit=edit, other=numbered(2, prompt="torch {{ i }}"))
        applied = shop.apply()
        (failed,) = applied.told(RunFailed)
        assert "does not hold what its name says" in failed.cause
        assert (failed.address, applied.finished.made) == ("edit", 2)
        shop.place().blobs().path(blob).unlink()
        assert shop.apply().finished.exit_code == 0
    assert len(server.posts) == 4


def test_an_input_file_that_changed_since_the_plan_is_not_sent(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        photo = tmp_path / "specs" / "photo.png"
        photo.write_bytes(picture("one"))
        shop.write(edit={"model": KONTEXT, "prompt": "light it", "params": {"image": "{{ file('photo.png') }}"}})
        plan = shop.plan()
        photo.write_bytes(picture("another"))
        failed = shop.apply_plan(plan)
        assert failed.finished.failed == ("edit",)
        assert shop.apply().finished.exit_code == 0
    assert len(server.posts) == 1


def test_a_model_of_another_kind_gets_its_own_count_of_images(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        source = {"model": FLUX, "prompt": "sheet", "params": {"n": 2}}
        second = {"model": KONTEXT, "prompt": "light it", "params": {"image": "{{ outputs('sheet')[1] }}"}}
        shop.write(sheet=source, edit=second)
        assert shop.apply().finished.exit_code == 0
    (name,) = shop.row("edit").inputs
    assert name == "sheet#2"

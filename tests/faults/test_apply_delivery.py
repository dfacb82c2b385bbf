"""Files: restored, moved, swapped, superseded, in the way."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from applying import FLUX, Applied, Shop, numbered
from fault_server import FaultServer
from faults import good, slow

from specrun.apply.events import How, RunDone, RunFailed, Warned
from specrun.apply.options import ApplyOptions
from specrun.diagnostics import InvalidInputError
from specrun.model.lock import State


def hows(applied: Applied) -> list[How]:
    return [event.how for event in applied.told(RunDone)]


def made(root: Path, server: FaultServer, count: int = 3, **fields: Any) -> Shop:
    shop = Shop(root, server)
    shop.write(shots=numbered(count, **fields))
    assert shop.apply().finished.exit_code == 0
    return shop


def test_deleted_and_edited_files_are_restored_without_a_request(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server)
        before = shop.written()
        shop.output("shots/1.png").unlink()
        shop.output("shots/2.png").write_bytes(b"scribbled over")
        restored = shop.apply()
        assert hows(restored) == [How.RESTORED, How.RESTORED]
        assert shop.written() == before
    assert len(server.posts) == 3


def test_lock_and_manifest_are_rebuilt_from_ledger_and_store(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server)
        before = shop.written()
        shutil.rmtree(tmp_path / "outputs")
        (tmp_path / "specs" / "shots.lock.json").unlink()
        shop.apply()
        assert shop.written() == before
        shop.output("manifest.json").unlink()
        shop.apply()
        assert shop.written() == before
    assert len(server.posts) == 3


def test_outputs_alone_are_enough_to_keep_a_run(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server)
        before = shop.written()
        shutil.rmtree(tmp_path / ".specrun")
        shop.output("manifest.json").unlink()
        assert shop.apply().finished.kept == 3
        assert shop.written() == before
    assert len(server.posts) == 3


def test_lost_images_are_asked_for_again_only_when_the_user_says_so(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server)
        before = shop.written()
        shutil.rmtree(tmp_path / ".specrun" / "store")
        shop.output("shots/2.png").unlink()
        assert shop.apply().finished.failed == ("shots[i=2]",)
        assert len(server.posts) == 3
        assert shop.apply(regenerate_lost=True).finished.exit_code == 0
        assert shop.written() == before
    assert max(server.posts_by_key.values()) == 2
    assert len(server.posts) == 4


def test_renaming_a_job_moves_its_files_and_asks_for_nothing(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server)
        images = {path.read_bytes() for path in shop.output("shots").iterdir()}
        shop.write(lamps=numbered(3))
        moved = shop.apply()
        assert hows(moved) == [How.MOVED] * 3
        assert not shop.output("shots").exists()
        assert {path.read_bytes() for path in shop.output("lamps").iterdir()} == images
        assert set(shop.lock().rows) == {f"lamps[i={i}]" for i in (1, 2, 3)}
    assert len(server.posts) == 3


@pytest.mark.parametrize("store", ["with a store", "without a store"])
def test_two_runs_may_swap_their_paths(tmp_path: Path, store: str) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server, count=2, output="{{ {1: 'a', 2: 'b'}[i] }}.png")
        first, second = (shop.output(name).read_bytes() for name in ("a.png", "b.png"))
        if store == "without a store":
            shutil.rmtree(tmp_path / ".specrun")
        shop.write(shots=numbered(2, output="{{ {2: 'a', 1: 'b'}[i] }}.png"))
        swapped = shop.apply()
        assert hows(swapped) == [How.MOVED, How.MOVED]
        assert (shop.output("a.png").read_bytes(), shop.output("b.png").read_bytes()) == (second, first)
        assert shop.apply().finished.kept == 2
    assert len(server.posts) == 2


def test_a_replaced_image_leaves_with_its_old_path_unless_somebody_edited_it(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server, count=2, output="old-{{ i }}.png")
        shop.output("old-2.png").write_bytes(b"mine now")
        shop.write(shots=numbered(2, prompt="a better lamp {{ i }}", output="new-{{ i }}.png"))
        replaced = shop.apply()
        names = {path.name for path in shop.output("").iterdir()}
        assert names == {"manifest.json", "new-1.png", "new-2.png", "old-2.png"}
        said = [event.diagnostic for event in replaced.told(Warned)]
        (warning,) = [diagnostic for diagnostic in said if diagnostic.summary == "edited file left in place"]
        assert "old-2.png" in warning.detail
        assert shop.output("old-2.png").read_bytes() == b"mine now"


def test_a_strangers_file_is_never_overwritten_and_found_before_the_request(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(2))
        stranger = shop.output("shots/1.png")
        stranger.parent.mkdir(parents=True)
        stranger.write_bytes(b"not specrun's")
        applied = shop.apply()
        (failed,) = applied.told(RunFailed)
        assert "shots/1.png is in the way" in failed.cause
        assert stranger.read_bytes() == b"not specrun's"
        assert len(server.posts) == 1
        stranger.unlink()
        assert shop.apply().finished.exit_code == 0
    assert len(server.posts) == 2


def test_a_strangers_file_under_the_true_extension_keeps_the_image_in_the_store(tmp_path: Path) -> None:
    with FaultServer([good("JPEG")]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots=numbered(1))
        stranger = shop.output("shots/1.jpg")
        stranger.parent.mkdir(parents=True)
        stranger.write_bytes(b"not specrun's")
        (failed,) = shop.apply().told(RunFailed)
        assert "the images are in the store" in failed.hint
        stranger.unlink()
        assert shop.apply().finished.exit_code == 0
        assert stranger.read_bytes().startswith(b"\xff\xd8")
        before = shop.times()
        assert shop.apply().finished.kept == 1
        assert shop.times() == before
    assert len(server.posts) == 1


def test_a_link_out_of_the_outputs_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path / "project", server)
        shop.write(shots=numbered(1))
        shop.output("").mkdir(parents=True)
        shop.output("shots").symlink_to(elsewhere)
        (failed,) = shop.apply().told(RunFailed)
    assert "leads out of" in failed.cause
    assert list(elsewhere.iterdir()) == []
    assert server.posts == []


def test_orphans_stay_until_they_are_pruned_and_come_back_for_nothing(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server)
        before = shop.written()
        shop.write(shots=numbered(1))
        shop.apply()
        assert {row.state for row in shop.lock().rows.values()} == {None, State.ORPHAN}
        assert shop.output("shots/3.png").is_file()
        listed = json.loads(shop.output("manifest.json").read_bytes())["outputs"]
        assert [output["address"] for output in listed] == ["shots[i=1]"]
        shop.write(shots=numbered(3))
        assert shop.apply().finished.kept == 3
        assert shop.written() == before
    assert len(server.posts) == 3


def test_a_target_leaves_all_other_runs_as_they_were(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server)
        lock, manifest = shop.lock(), json.loads(shop.output("manifest.json").read_bytes())
        shop.write(shots=numbered(3, prompt="another lamp {{ i }}"))
        shop.apply(targets=("shots[i=2]",))
        rows = shop.lock().rows
        listed = json.loads(shop.output("manifest.json").read_bytes())["outputs"]
        assert [rows[f"shots[i={i}]"] == lock.rows[f"shots[i={i}]"] for i in (1, 2, 3)] == [True, False, True]
        assert [new == old for new, old in zip(listed, manifest["outputs"], strict=True)] == [True, False, True]
    assert len(server.posts) == 4


def test_outputs_of_another_spec_are_refused_before_any_request(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server, count=1)
        (tmp_path / "specs" / "shots.yaml").rename(tmp_path / "specs" / "other.yaml")
        with pytest.raises(InvalidInputError, match=r"belongs to specs/shots.yaml, not to specs/other.yaml"):
            shop.apply("other", name="shots")
    assert len(server.posts) == 1


def test_a_rehearsal_makes_everything_on_the_sandbox_and_touches_neither_lock_nor_outputs(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server, count=2)
        before = shop.times()
        shop.write(shots=numbered(4))
        plan = shop.plan()
        rehearsed = shop.apply_plan(plan, ApplyOptions(rehearse=True))
        assert (rehearsed.finished.made, rehearsed.finished.exit_code) == (4, 0)
        after = shop.times()
        assert {path: after[path] for path in before if path != "specs/shots.yaml"} == {
            path: times for path, times in before.items() if path != "specs/shots.yaml"
        }
        assert len(list((tmp_path / ".specrun" / "rehearsal" / "outputs").rglob("*.png"))) == 4
        again = shop.apply_plan(plan, ApplyOptions(rehearse=True))
        assert again.finished.requests == 0
    assert len(server.posts) == 2


def test_several_images_of_one_run_stand_at_their_own_paths(tmp_path: Path) -> None:
    with FaultServer([slow(0.01, good())]) as server:
        shop = Shop(tmp_path, server)
        shop.write(shots={"model": FLUX, "prompt": "a lamp", "params": {"n": 3}})
        shop.apply()
    assert [output.path for output in shop.row("shots").outputs] == [f"shots/shots-{i}.png" for i in (1, 2, 3)]


def test_two_outputs_that_differ_only_in_their_suffix_are_refused_since_it_follows_the_bytes(tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    properties = {"model": {"const": "mine"}, "prompt": {"type": "string"}}
    schema = {"type": "object", "properties": properties, "required": ["model", "prompt"]}
    (schemas / "mine.json").write_text(json.dumps({**schema, "x-specrun": {"media_type": "image/jpeg"}}))
    with FaultServer([good()]) as server:
        shop = Shop(tmp_path, server)
        shop.write(png=numbered(1, output="lamp.{{ ext }}"), jpeg=numbered(1, output="lamp.{{ ext }}", model="mine"))
        with pytest.raises(InvalidInputError, match="differ only in their suffix"):
            shop.plan()

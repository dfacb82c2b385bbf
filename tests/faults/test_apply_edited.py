"""What a person changed below outputs is kept aside before anything takes its place; one path leaves one file."""

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from applying import Applied, Shop, numbered
from fault_server import Exchange, FaultServer
from faults import good

from specrun.apply.events import RunFailed, Warned
from specrun.diagnostics import InvalidInputError
from specrun.model.plan import Plan
from specrun.verify.target import Target
from specrun.verify.verify import verify

MINE = b"what a person made of it"


def made(root: Path, server: FaultServer, count: int = 1, **fields: object) -> Shop:
    shop = Shop(root, server)
    shop.write(shots=numbered(count, **fields))
    assert shop.apply().finished.exit_code == 0
    return shop


def kept(shop: Shop) -> list[bytes]:
    return [path.read_bytes() for path in sorted((shop.root / ".specrun/kept").rglob("*")) if path.is_file()]


def warned(applied: Applied) -> str:
    (said,) = (e.diagnostic for e in applied.told(Warned) if e.diagnostic.summary == "edited file kept aside")
    return said.detail


def reasons(plan: Plan) -> str:
    return "; ".join(action.reason for action in plan.actions)


CHANGES: dict[str, Callable[[Shop], object]] = {
    "replaced": lambda shop: shop.write(shots=numbered(1, prompt="a better lamp {{ i }}")),
    "restored": lambda shop: None,
    "of other provenance": lambda shop: (shop.root / "specs/shots.yaml").write_text(
        (shop.root / "specs/shots.yaml").read_text().replace('"specrun": 1', '"specrun": 1, "provenance": "none"')
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_edited_file_is_kept_aside_and_named_before_its_place_is_taken(tmp_path: Path, change: str) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server)
        shop.output("shots/1.png").write_bytes(MINE)
        CHANGES[change](shop)
        assert "the file there was changed by hand, and is kept aside" in reasons(shop.plan())
        applied = shop.apply()
        assert kept(shop) == [MINE]
        assert shop.output("shots/1.png").read_bytes() != MINE
        named = warned(applied).split("is now ")[1]
        assert (tmp_path / named).read_bytes() == MINE
        assert "changed by hand" not in reasons(shop.plan())
        assert shop.apply().finished.kept == 1


def test_edited_files_of_lost_images_are_kept_aside_where_they_are_asked_for_again(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server, count=2)
        for path in (tmp_path / ".specrun/store").glob("??/*"):
            path.unlink()
        shop.output("shots/1.png").write_bytes(MINE)
        shop.output("shots/2.png").write_bytes(MINE + b"2")
        applied = shop.apply(regenerate_lost=True)
        assert kept(shop) == [MINE, MINE + b"2"]
        assert "1 more likewise" in warned(applied)


def test_an_edited_file_that_nothing_takes_the_place_of_stays_where_it_is(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server)
        shop.output("shots/1.png").write_bytes(MINE)
        shop.write(shots=numbered(1, output="new/{{ i }}.png"))
        assert "the file of before was changed by hand, and is left in place" in reasons(shop.plan())
        shop.apply()
        assert shop.output("shots/1.png").read_bytes() == MINE
        assert kept(shop) == []


def test_edited_facts_beside_an_image_are_kept_aside(tmp_path: Path) -> None:
    with FaultServer([good("GIF")]) as server:
        shop = made(tmp_path, server)
        facts = shop.output("shots/1.gif.json")
        mine = facts.read_bytes().replace(b"lamp", b"lump")
        facts.write_bytes(mine)
        shop.apply()
        assert kept(shop) == [mine]
        assert facts.read_bytes() != mine


def test_what_specrun_wrote_itself_is_not_kept_aside(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server, count=2, output="{{ {1: 'a', 2: 'b'}[i] }}.png")
        shop.write(shots=numbered(2, output="{{ {1: 'b', 2: 'a'}[i] }}.png"))
        shop.apply()
        shop.write(shots=numbered(2, prompt="another {{ i }}", output="{{ {1: 'b', 2: 'a'}[i] }}.png"))
        shop.apply()
        assert kept(shop) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [("cover.png", "Cover.png"), ("Covers/a.png", "covers/a.png"), ("caf\u00e9.png", "cafe\u0301.png")],
)
def test_a_path_that_changes_only_in_case_or_normal_form_leaves_one_file(
    tmp_path: Path, before: str, after: str
) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server, output=before)
        shop.write(shots=numbered(1, output=after))
        shop.apply()
        files = [path for path in shop.output("").rglob("*") if path.is_file() and path.name != "manifest.json"]
        assert len(files) == 1
        assert files[0].samefile(shop.output(after))
        place = shop.place()
        target = Target(
            root=tmp_path, spec=place.spec, name="shots", place=shop.plan().place, lock=place.lock,
            outputs=place.outputs,
            store=place.state / "store",
        )  # fmt: skip
        assert verify(target, shop.plan()).findings == ()
    assert len(server.posts) == 1


@pytest.mark.parametrize("what", ["a named pipe", "a folder", "a symbolic link"])
def test_what_is_no_file_in_an_images_place_is_named_at_once(tmp_path: Path, what: str) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server)
        output = shop.output("shots/1.png")
        output.unlink()
        makers: dict[str, Callable[[], object]] = {
            "a named pipe": lambda: os.mkfifo(output),
            "a folder": output.mkdir,
            "a symbolic link": lambda: output.symlink_to(tmp_path / "specs/shots.yaml"),
        }
        makers[what]()
        (failed,) = shop.apply().told(RunFailed)
        assert f"{output} is {what}" in failed.cause
        assert (tmp_path / "specs/shots.yaml").is_file()


def test_two_specs_of_one_name_applied_at_once_are_told_of_each_other(tmp_path: Path) -> None:
    refused = threading.Event()

    async def patient(exchange: Exchange) -> None:
        await asyncio.to_thread(refused.wait)
        await good()(exchange)

    with FaultServer([patient]) as server:
        shop = Shop(tmp_path, server)
        shop.write("one", shots=numbered(1))
        shop.write("two", shots=numbered(1, prompt="another {{ i }}"))
        for name in ("one", "two"):
            path = tmp_path / f"specs/{name}.yaml"
            path.write_text(path.read_text().replace('"specrun": 1', '"specrun": 1, "name": "same"'))
        plan, child = shop.plan("two"), shop.start("one")
        try:
            while not server.posts and child.poll() is None:
                refused.wait(0.01)
            with pytest.raises(InvalidInputError, match=r"one.yaml and specs/two.yaml are both called same"):
                shop.apply_plan(plan)
        finally:
            refused.set()
            child.communicate()
        assert child.returncode == 0
        assert not (tmp_path / "specs/two.lock.json").exists()
        # By now the manifest tells whose the folder is, to plans too.
        with pytest.raises(InvalidInputError, match=r"belongs to specs/one.yaml, not to specs/two.yaml"):
            shop.plan("two")
    assert len(server.posts) == 1


def test_the_lock_of_a_spec_that_was_renamed_with_it_is_its_own(tmp_path: Path) -> None:
    with FaultServer([good()]) as server:
        shop = made(tmp_path, server)
        for suffix in ("yaml", "lock.json"):
            (tmp_path / f"specs/shots.{suffix}").rename(tmp_path / f"specs/lamps.{suffix}")
        shop.output("").rename(tmp_path / "outputs/lamps")
        plan = shop.plan("lamps")
        assert [warning.summary for warning in plan.warnings] == ["renamed spec"]
        assert shop.apply("lamps").finished.kept == 1
        assert shop.lock("lamps").spec == "specs/lamps.yaml"
        assert shop.plan("lamps").warnings == ()
    assert len(server.posts) == 1

"""An apply split over machines: each run on one of them, and together what one alone would have written."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from applying import Applied, Shop, numbered
from fault_server import FaultServer
from faults import error, good

from specrun.apply.shard_merge import merge
from specrun.catalog.load import load_catalog
from specrun.catalog.prices import Prices
from specrun.diagnostics import InvalidInputError
from specrun.model.inputs import OutputImage
from specrun.model.lock import State
from specrun.model.shard import Shard
from specrun.store.manifest import FILE_NAME

EDIT = "black-forest-labs/Flux-Kontext-Pro"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer([good()]) as running:
        yield running


def shards(count: int) -> list[Shard]:
    return [Shard(number=number, count=count) for number in range(1, count + 1)]


def machines(folder: Path, server: FaultServer, count: int, **jobs: Any) -> list[Shop]:
    """Return as many machines with the same spec."""
    found = []
    for name in ("whole", *map(str, shards(count))):
        (folder / name).mkdir()
        found.append(Shop(folder / name, server))
        found[-1].write(**jobs)
    return found


def apply_shards(shops: Sequence[Shop], count: int) -> list[Applied]:
    return [shop.apply(shard=shard) for shop, shard in zip(shops, shards(count), strict=True)]


def gather(shops: Sequence[Shop], to: Shop) -> None:
    """Copy what shards left for others, and none of the images."""
    for shop in shops:
        for part in [*shop.root.glob("specs/*-of-*.json"), *shop.root.glob("outputs/shots/*-of-*.json")]:
            target = to.root / part.relative_to(shop.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            if part != target:
                shutil.copy(part, target)


def merge_in(shop: Shop) -> None:
    project = shop.project()
    prices = Prices(providers=project.providers, catalog=load_catalog(project.schemas), own=project.prices)
    merge(shop.plan(), project, prices)


def documents(shop: Shop) -> tuple[bytes, bytes]:
    lock, manifest = shop.root / "specs/shots.lock.json", shop.root / "outputs/shots" / FILE_NAME
    return lock.read_bytes(), manifest.read_bytes()


def test_four_shards_of_1632_runs_are_together_what_one_machine_writes(tmp_path: Path, server: FaultServer) -> None:
    whole, *others = machines(tmp_path, server, 4, shots=numbered(1632))
    applied = apply_shards(others, 4)
    counts = [each.finished.made for each in applied]
    assert sum(counts) == len(server.posts) == server.images_billed == 1632
    assert min(counts) > 300  # even, as far as chance is
    server.posts.clear()
    assert [each.finished.requests for each in apply_shards(others, 4)] == [0] * 4
    assert server.posts == []
    assert all(not (shop.root / "specs/shots.lock.json").exists() for shop in others)
    gather(others, others[0])
    merge_in(others[0])
    whole.apply()
    assert documents(others[0]) == documents(whole)
    assert list(others[0].root.rglob("*-of-*.json")) == []


CHAINED: dict[str, Any] = {
    "shots": numbered(12, samples=2),
    "twins": numbered(12),  # the requests of `shots`, first samples
    "edits": {
        "model": EDIT,
        "prompt": "night",
        "matrix": {"shot": "{{ outputs('shots', sample=1) }}"},
        "params": {"image": "{{ shot }}"},
    },
    "boards": {"model": f"{EDIT}-multi", "prompt": "all", "params": {"images": "{{ outputs('edits')[:3] }}"}},
}


@pytest.mark.parametrize("count", [1, 2, 5])
def test_each_run_is_one_shards_and_chains_and_shared_requests_stay_whole(
    tmp_path: Path, server: FaultServer, count: int
) -> None:
    shop = Shop(tmp_path, server)
    shop.write(**CHAINED)
    whole = [action.address for action in shop.plan().actions]
    plans = [shop.plan(shard=shard) for shard in shards(count)]
    split = [action.address for plan in plans for action in plan.actions]
    assert sorted(split) == sorted(whole)
    for plan in plans:
        here = {action.address for action in plan.actions}
        for action in plan.actions:
            assert action.run is not None
            chained = {image.address for image in action.run.inputs if isinstance(image, OutputImage)}
            assert chained <= here
            assert action.shares is None or action.shares in here


def test_a_run_stays_in_its_shard_whatever_is_added_and_whatever_it_is_called(
    tmp_path: Path, server: FaultServer
) -> None:
    shop = Shop(tmp_path, server)
    shop.write(shots=numbered(30))
    before = {action.key: shard for shard in shards(3) for action in shop.plan(shard=shard).actions}
    shop.write(others=numbered(60))
    after = {action.key: shard for shard in shards(3) for action in shop.plan(shard=shard).actions}
    assert before.items() <= after.items()


def test_chains_shared_requests_and_trouble_merge_to_what_one_machine_writes(tmp_path: Path) -> None:
    def script(post: Any) -> Any:
        return error(400, "sensitive_check_error") if post.prompt == "lamp 3" else good()

    with FaultServer(script) as server:
        whole, *others = machines(tmp_path, server, 3, **CHAINED)
        applied = apply_shards(others, 3)
        assert sum(each.finished.exit_code for each in applied) >= 1
        gather(others, others[1])
        merge_in(others[1])
        whole.apply()
    assert documents(others[1]) == documents(whole)
    assert State.REFUSED in {row.state for row in whole.lock().rows.values()}


def test_shards_of_a_changed_spec_move_replace_and_orphan_as_one_machine_does(
    tmp_path: Path, server: FaultServer
) -> None:
    jobs = {"shots": numbered(12), "gone": numbered(3, prompt="old {{ i }}")}
    whole, *others = machines(tmp_path, server, 3, **jobs)
    for shop in (whole, *others):
        shop.apply()
        renamed = numbered(14, prompt="{{ 'new' if i > 9 else 'lamp' }} {{ i }}")
        shop.write(pictures=renamed)
    whole.apply()
    apply_shards(others, 3)
    gather(others, others[2])
    merge_in(others[2])
    assert documents(others[2]) == documents(whole)


def test_shards_in_one_folder_one_after_another_need_no_copying(tmp_path: Path, server: FaultServer) -> None:
    whole, one, *_ = machines(tmp_path, server, 2, **CHAINED)
    apply_shards([one, one], 2)
    merge_in(one)
    whole.apply()
    assert one.written() == whole.written()
    assert {action.verb.value for action in one.plan().actions} == {"keep"}


def test_parts_that_are_no_whole_are_refused_and_stay(tmp_path: Path, server: FaultServer) -> None:
    _, one, two = machines(tmp_path, server, 2, shots=numbered(6))
    with pytest.raises(InvalidInputError, match=r"no parts of shots\.lock\.json"):
        merge_in(one)
    one.apply(shard=Shard(number=1, count=2))
    with pytest.raises(InvalidInputError, match="have left no part here: 2"):
        merge_in(one)
    two.apply(shard=Shard(number=2, count=2))
    gather([two], one)
    part = one.root / "outputs/shots/manifest.2-of-2.json"
    kept = part.read_bytes()
    part.unlink()
    with pytest.raises(InvalidInputError, match="nothing here tells size and type"):
        merge_in(one)
    part.write_bytes(kept)
    one.write(shots=numbered(7))
    with pytest.raises(InvalidInputError, match=r"no part has shots\[i=7\]"):
        merge_in(one)
    one.write(shots=numbered(6))
    merge_in(one)
    assert len(one.lock().rows) == 6


def test_keys_that_are_not_known_are_pinned_before_shards(tmp_path: Path, server: FaultServer) -> None:
    shop = Shop(tmp_path, server)
    shop.write(edit={"model": EDIT, "prompt": "x", "params": {"image": "https://example.com/a.png"}})
    with pytest.raises(InvalidInputError, match="known only once its input URL has been fetched"):
        shop.plan(shard=Shard(number=1, count=2))

"""An apply whose plan keeps everything takes a short way; it must leave just what the long way leaves."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fault_server import FaultServer
from faults import good

from specrun.cli.options import WishOptions
from specrun.cli.unchanged import all_unchanged

SPEC = """\
specrun: 1
vars: {unused: 1}
jobs:
  shots:
    model: black-forest-labs/FLUX.1-dev
    prompt: "a {{ item.id }}"
    matrix:
      item: "{{ csv('items.csv') }}"
    params: {size: 256x256}
"""
PROJECT = """\
providers: {{shop: {{base_url: '{url}', api_key_env: SHOP_KEY, retry_for: 1}}}}
provider: shop
prices: {{black-forest-labs/FLUX.1-dev: {{EUR: 0.2}}}}
"""
LOCK, MANIFEST = "specs/shots.lock.json", "outputs/shots/manifest.json"
KEY = {"SHOP_KEY": "sk-canary-5d1e"}


@pytest.fixture
def applied(specrun: Any) -> Any:
    """A project in which all was made by a server that is no longer there, and whose spec was saved once more."""
    folder = specrun.folder
    (folder / "specs").mkdir()
    (folder / "specs/shots.yaml").write_text(SPEC)
    (folder / "specs/items.csv").write_text("id\nlamp\nmug\n")
    with FaultServer([good()]) as server:
        (folder / "specrun.yaml").write_text(PROJECT.format(url=server.base_url))
        specrun("apply", "--yes", "specs/shots.yaml", env=KEY)
    assert list((folder / ".specrun/settled").iterdir())
    (folder / "specs/shots.yaml").write_text(f"# said better\n{SPEC}")
    return specrun


def short(folder: Path) -> bool:
    """Say whether an apply would take the short way."""
    spec = WishOptions(
        specs=(folder / "specs/shots.yaml",),
        vars=(),
        var_files=(),
        name=None,
        targets=(),
        replace=(),
        retry_unknown=False,
        regenerate_lost=False,
    )
    return all_unchanged(spec, renew=False)[0] is not None


def left(folder: Path) -> dict[str, bytes]:
    """Return what an apply leaves for users."""
    files = [folder / LOCK, *(folder / "outputs").rglob("*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if path.is_file()}


def written(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the inode and the time of writing of all that an apply leaves for users."""
    return {name: ((folder / name).stat().st_ino, (folder / name).stat().st_mtime_ns) for name in left(folder)}


def replaced(name: str, old: str, new: str) -> Callable[[Path], object]:
    def replace(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return replace


def an_image(folder: Path) -> Path:
    return min((folder / "outputs").rglob("*.png"))


MOVES: dict[str, tuple[bool, Callable[[Path], object]]] = {
    "nothing": (True, lambda _: None),
    "a line of specrun.yaml that says nothing": (True, replaced("specrun.yaml", "provider: shop", "provider: shop #")),
    "a price": (False, replaced("specrun.yaml", "0.2", "0.3")),
    "a data file, but for what is used of it": (False, replaced("specs/items.csv", "mug\n", "mug\n\n")),
    "a variable that nothing uses": (False, replaced("specs/shots.yaml", "unused: 1", "unused: 2")),
    "a run less": (False, replaced("specs/items.csv", "mug\n", "")),
    "the name": (False, replaced("specs/shots.yaml", "specrun: 1", "specrun: 1\nname: shots2")),
    "provenance": (False, replaced("specs/shots.yaml", "specrun: 1", "specrun: 1\nprovenance: none")),
    "the folder of outputs": (False, replaced("specrun.yaml", "provider: shop", "provider: shop\noutputs: made")),
    "the lock, gone": (False, lambda folder: (folder / LOCK).unlink()),
    "the lock, formatted otherwise": (
        False,
        lambda folder: (folder / LOCK).write_text(json.dumps(json.loads((folder / LOCK).read_text()))),
    ),
    "the lock, another seed": (False, replaced(LOCK, '"seed":', '"seed":1')),
    "the manifest, gone": (False, lambda folder: (folder / MANIFEST).unlink()),
    "the manifest, edited": (False, replaced(MANIFEST, '"a lamp"', '"a lump"')),
    "the manifest, of another spec": (False, replaced(MANIFEST, '"specs/shots.yaml"', '"specs/other.yaml"')),
    "the list of files seen, gone": (False, lambda folder: shutil.rmtree(folder / ".specrun/seen")),
    "an image, touched": (False, lambda folder: os.utime(an_image(folder))),
    "an image, edited": (False, lambda folder: an_image(folder).write_bytes(b"edited")),
    "an image, gone": (False, lambda folder: an_image(folder).unlink()),
}


@pytest.mark.parametrize("what", MOVES)
def test_the_short_way_leaves_what_the_long_way_leaves(applied: Any, what: str) -> None:
    kept, move = MOVES[what]
    move(applied.folder)
    assert short(applied.folder) == kept
    long = applied.folder / "long"
    shutil.copytree(applied.folder, long)
    shutil.rmtree(long / ".specrun/settled")
    ways = []
    for folder in (applied.folder, long):
        ended = applied("-C", str(folder), "apply", "--yes", "specs/shots.yaml", env=KEY, code=None)
        ways.append((ended.code, ended.out, ended.err.replace(str(folder), "")))
    assert ways[0] == ways[1]
    assert left(applied.folder) == left(long)


def test_what_was_kept_the_short_way_need_not_even_be_planned_again(applied: Any) -> None:
    [record] = (applied.folder / ".specrun/settled").iterdir()
    before, files = record.read_bytes(), written(applied.folder)
    assert short(applied.folder)
    applied("apply", "--yes", "specs/shots.yaml", env=KEY)
    assert record.read_bytes() != before
    assert written(applied.folder) == files
    again = applied("apply", "--yes", "specs/shots.yaml", env=KEY)
    assert "Done: 2 runs kept." in again.out


def test_an_apply_that_only_writes_the_manifest_again_settles_the_spec(applied: Any) -> None:
    (applied.folder / MANIFEST).unlink()
    applied("apply", "--yes", "specs/shots.yaml", env=KEY)
    assert short(applied.folder)

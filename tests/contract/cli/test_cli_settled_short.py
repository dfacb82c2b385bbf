"""What was written down of a spec with nothing left to do must never stand for what is no longer so."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fault_server import Exchange, FaultServer
from faults import good
from PIL import Image

from specrun.cli.options import WishOptions
from specrun.cli.outcomes import Outcomes
from specrun.cli.planning import plan_all
from specrun.cli.settling import settle
from specrun.cli.unchanged import all_unchanged

FLUX, KONTEXT = "black-forest-labs/FLUX.1-dev", "black-forest-labs/Flux-Kontext-Pro"
SPEC = "specs/a.yaml"
ONE = f"specrun: 1\nname: shots\njobs: {{a: {{model: {FLUX}, prompt: x, params: {{size: 256x256}}}}}}\n"
ANIMALS = f"""\
specrun: 1
jobs:
  a:
    model: {FLUX}
    prompt: "a {{{{ animal }}}}"
    matrix: {{animal: [ant, cat, dog]}}
    params: {{size: 256x256}}
    overrides: [{{match: {{animal: cat}}, params: {{steps: 28}}}}]
"""
PAIR = f"""\
specrun: 1
jobs:
  a:
    model: {FLUX}
    prompt: x
    params: {{n: 2, size: 256x256}}
    output: "{{{{ ['a.png b', 'c'][index - 1] }}}}.{{{{ ext }}}}"
"""
ROWS = f"""\
specrun: 1
jobs:
  a:
    model: {FLUX}
    prompt: "a {{{{ item.id }}}}"
    matrix: {{item: "{{{{ csv('data/items.csv') }}}}"}}
    params: {{size: 256x256}}
"""
PHOTOS = f"""\
specrun: 1
jobs:
  a:
    model: {KONTEXT}
    prompt: x
    matrix: {{photo: "{{{{ glob('photos/*.png') }}}}"}}
    params: {{image: "{{{{ photo }}}}"}}
"""


def make(shell: Any, spec: str, prepare: Callable[[Path], object] = lambda _: None) -> Path:
    """Make a project whose spec is applied and settled."""
    folder: Path = shell.folder
    (folder / "specs").mkdir()
    (folder / "specrun.yaml").write_text("provider: sandbox\n")
    (folder / SPEC).write_text(spec)
    prepare(folder)
    shell("apply", "--yes", SPEC)
    assert list((folder / ".specrun/settled").iterdir())
    return folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def like_the_long_way(shell: Any, *command: str) -> Any:
    """Run a command, and once more where nothing was written down; both must say the same."""
    short = shell(*command, code=None)
    shutil.rmtree(shell.folder / ".specrun/settled", ignore_errors=True)
    long = shell(*command, code=None)
    assert short == long
    return short


def test_a_default_that_another_run_writes_out_now_moves_in_the_lock(specrun: Any) -> None:
    folder = make(specrun, ANIMALS)
    edit(folder / SPEC, "animal: cat}", "animal: dog}")
    specrun("apply", "--yes", SPEC)
    rows = json.loads((folder / "specs/a.lock.json").read_text())["runs"]
    assert {row["address"]: "steps" in row["defaults"] for row in rows} == {
        "a[animal=ant]": True,
        "a[animal=cat]": True,
        "a[animal=dog]": False,
    }


def test_paths_that_read_the_same_in_a_row_are_told_apart(specrun: Any) -> None:
    folder = make(specrun, PAIR)
    edit(folder / SPEC, "['a.png b', 'c']", "['a', 'b.png c']")
    assert "move 1 run" in like_the_long_way(specrun, "plan", SPEC).out


def test_a_variant_called_like_the_file_is_not_the_spec_under_its_own_name(specrun: Any) -> None:
    make(specrun, ONE)
    assert "restore 1 run" in like_the_long_way(specrun, "plan", "--name", "a", SPEC).out


def test_a_spec_by_a_link_has_a_lock_of_its_own(specrun: Any) -> None:
    folder = make(specrun, ONE)
    (folder / "specs/link.yaml").symlink_to("a.yaml")
    assert "restore 1 run" in like_the_long_way(specrun, "plan", "specs/link.yaml").out


def test_a_copy_of_a_project_follows_from_its_own_files(specrun: Any) -> None:
    folder = make(specrun, ONE)
    shutil.copytree(folder, folder / "copy")
    edit(folder / "copy" / SPEC, "prompt: x", "prompt: y")
    assert "replace 1 run" in specrun("-C", "copy", "plan", SPEC).out


def test_an_address_without_a_cluster_is_refused_also_where_nothing_is_to_do(specrun: Any) -> None:
    make(specrun, ONE)
    specrun("apply", "--yes", "--address", "head:6379", SPEC, code=64)


@pytest.mark.parametrize("what", ["a file where a folder was", "a link in a circle"])
def test_a_data_file_that_is_none_any_more_is_told_with_its_place(specrun: Any, what: str) -> None:
    def data(folder: Path) -> None:
        (folder / "specs/data").mkdir()
        (folder / "specs/data/items.csv").write_text("id\nx\n")

    folder = make(specrun, ROWS, data)
    if what == "a link in a circle":
        (folder / "specs/data/items.csv").unlink()
        (folder / "specs/data/items.csv").symlink_to("items.csv")
    else:
        shutil.rmtree(folder / "specs/data")
        (folder / "specs/data").write_text("")
    assert "template failed" in like_the_long_way(specrun, "plan", SPEC).err


@pytest.mark.parametrize("before", ["a link to nothing", "a folder"])
def test_what_a_pattern_found_and_was_no_image_is_seen_to_become_one(specrun: Any, before: str) -> None:
    def photos(folder: Path) -> None:
        (folder / "specs/photos").mkdir()
        Image.new("RGB", (64, 64), "red").save(folder / "specs/photos/a.png")
        if before == "a folder":
            (folder / "specs/photos/b.png").mkdir()
        else:
            (folder / "specs/photos/b.png").symlink_to("../annex")

    folder = make(specrun, PHOTOS, photos)
    if before == "a folder":
        (folder / "specs/photos/b.png").rmdir()
    # Through the link, where there is one.
    target = folder / ("specs/photos/b.png" if before == "a folder" else "specs/annex")
    Image.new("RGB", (64, 64), "blue").save(target, "PNG")
    assert "create 1 run" in like_the_long_way(specrun, "plan", SPEC).out


def edited_during(shell: Any, tmp_path: Path, name: str, old: str, new: str, *specs: str) -> Any:
    """Apply specs while a file is edited, from when the first request is there."""
    folder: Path = shell.folder
    (folder / "specs").mkdir()
    for number, spec in enumerate(specs):
        (folder / spec).write_text(ONE.replace("shots", f"shots{number}").replace("prompt: x", f"prompt: x{number}"))

    async def editing(exchange: Exchange) -> None:
        if old in (folder / name).read_text():
            edit(folder / name, old, new)
        await good()(exchange)

    with FaultServer([editing]) as server:
        settings = f"{{base_url: '{server.base_url}', api_key_env: SHOP_KEY}}"
        (folder / "specrun.yaml").write_text(f"providers: {{shop: {settings}}}\nprovider: shop\n")
        return shell("apply", "--yes", *specs, env={"SHOP_KEY": "sk-canary-5d1e"}, code=None)


@pytest.mark.parametrize(
    ("new", "then"), [("provider: sandbox", "replace 1 run"), ("outputs: made\nprovider: shop", "restore 1 run")]
)
def test_settings_edited_during_an_apply_count_afterwards(specrun: Any, tmp_path: Path, new: str, then: str) -> None:
    edited_during(specrun, tmp_path, "specrun.yaml", "\nprovider: shop", f"\n{new}", SPEC)
    assert then in like_the_long_way(specrun, "plan", SPEC).out


def test_a_spec_broken_during_an_apply_takes_nothing_from_the_others(specrun: Any, tmp_path: Path) -> None:
    ended = edited_during(specrun, tmp_path, SPEC, "specrun: 1", "specrun: [", SPEC, "specs/b.yaml")
    assert ended.code == 0, ended
    assert ended.out.count("Done: 1 image made.") == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no process substitution")
def test_variables_that_can_be_read_only_once_settle_nothing(specrun: Any) -> None:
    (specrun.folder / "specs").mkdir()
    (specrun.folder / "specrun.yaml").write_text("provider: sandbox\n")
    spec = ONE.replace("name: shots", "vars: {v: 1}").replace("prompt: x", "prompt: '{{ vars.v }}'")
    (specrun.folder / SPEC).write_text(spec)
    line = f"{sys.executable} -m specrun apply --yes --var-file <(echo 'v: 2') {SPEC}"
    for _ in range(2):
        ended = subprocess.run(["bash", "-c", line], cwd=specrun.folder, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended
    assert not (specrun.folder / ".specrun/settled").exists()


def test_what_cannot_be_written_down_fails_no_apply(specrun: Any) -> None:
    (specrun.folder / "specs").mkdir()
    (specrun.folder / "specrun.yaml").write_text("provider: sandbox\n")
    (specrun.folder / SPEC).write_text(ONE)
    (specrun.folder / ".specrun").mkdir()
    (specrun.folder / ".specrun/settled").write_text("in the way")
    specrun("apply", "--yes", SPEC)


def test_a_spec_edited_between_its_expansion_and_its_plan_is_not_settled(
    specrun: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(specrun, ONE)
    monkeypatch.chdir(folder)
    for name in [name for name in os.environ if name.startswith("SPECRUN_")]:
        monkeypatch.delenv(name)
    # Touched, and to be planned all the same, as where another spec of the command line is.
    edit(folder / SPEC, "prompt: x", "prompt: 'x'")
    options = WishOptions(
        specs=(Path(SPEC),), vars=(), var_files=(), name=None, targets=(), replace=(), retry_unknown=False,
        regenerate_lost=False,
    )  # fmt: skip
    kept, unlocked = all_unchanged(options, renew=False)
    assert kept is not None
    time.sleep(0.05)
    edit(folder / SPEC, "prompt: 'x'", "prompt: y")
    time.sleep(0.05)
    (planned,) = plan_all(options, Outcomes(), unlocked)
    settle(planned)
    assert "replace 1 run" in specrun("plan", SPEC).out

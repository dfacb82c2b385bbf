"""Folders as arguments, several specs at once, and results as tests for CI."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

GOOD = 'specrun: 1\nprovider: sandbox\njobs: {dot: {model: black-forest-labs/FLUX.1-dev, prompt: "a dot"}}\n'
BROKEN = "specrun: 1\njobs: {dot: {model: nobody/Nothing, prompt: hello}}\n"
TORN = "specrun: 1\njobs: [\n"


def shop(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / "shop" / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder / "shop"


def test_a_folder_stands_for_every_spec_below_it_and_for_nothing_else(specrun: Any, tmp_path: Path) -> None:
    folder = shop(
        tmp_path,
        a=GOOD,
        deep__b='{"jobs": {"dot": {"model": "black-forest-labs/FLUX.1-dev", "prompt": "b"}}, "specrun": 1}',
        settings="providers: {}\n",
        data="- specrun: 1\n",
        nested="inner: {specrun: 1}\n",
    )
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "c.yaml").write_text(GOOD, "utf-8")
    (folder / "deep" / "picture.yaml").write_bytes(b"\x89PNG\xff\xfe")
    ended = specrun("validate", "shop", "shop/a.yaml")
    assert ended.out == "shop/a.yaml: valid, 1 run\nshop/deep/b.yaml: valid, 1 run\n"


def test_a_folder_without_specs_is_wrong_usage(specrun: Any, tmp_path: Path) -> None:
    shop(tmp_path, settings="providers: {}\n")
    assert "holds no YAML file with `specrun:` at its top level" in specrun("plan", "shop", code=64).err


def test_one_report_covers_a_folder_and_a_broken_spec_hides_no_other(specrun: Any, tmp_path: Path) -> None:
    shop(tmp_path, a=GOOD, b=BROKEN, c=GOOD, torn=TORN)
    ended = specrun("plan", "--format", "markdown", "shop", code=1)
    assert "| `shop/a.yaml` |" in ended.out
    assert "| `shop/c.yaml` |" in ended.out
    assert "**2 of 4 specs**" in ended.out
    assert "| `shop/torn.yaml` | **cannot be planned** | | |" in ended.out
    assert "shop/b.yaml:2:" in ended.err
    assert "shop/torn.yaml:" in ended.err


def test_a_stale_lock_keeps_only_its_own_spec_from_being_applied(specrun: Any, tmp_path: Path) -> None:
    folder = shop(tmp_path, a=GOOD, b=GOOD.replace("a dot", "two dots"))
    specrun("lock", "shop/b.yaml")
    ended = specrun("apply", "--yes", "--locked", "--junit", "reports/apply.xml", "shop", code=2)
    assert "dot: not in the lock" in ended.err
    assert not (folder / "outputs/a").exists()
    assert len(list((folder / "outputs/b").rglob("*.png"))) == 1
    suites = ET.parse(tmp_path / "reports/apply.xml").getroot()
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in suites] == [
        ("shop/a.yaml", "1", "1"),
        ("shop/b.yaml", "1", "0"),
    ]


def test_each_run_is_a_test_and_failures_say_why(specrun: Any, tmp_path: Path) -> None:
    far = GOOD.replace("provider: sandbox", "provider: far").replace("a dot", "far dot")
    folder = shop(tmp_path, a=GOOD, b=BROKEN, far=far)
    (folder / "specrun.yaml").write_text(
        "providers: {far: {base_url: http://127.0.0.1:9/v1, retry_for: 0.1}}\n", "utf-8"
    )
    specrun("apply", "--yes", "--junit", "apply.xml", "shop", code=1)
    suites = {suite.get("name"): suite for suite in ET.parse(tmp_path / "apply.xml").getroot()}
    assert set(suites) == {"shop/a.yaml", "shop/b.yaml", "shop/far.yaml"}
    (passed,), (unplanned,), (unmade,) = (list(suites[f"shop/{name}.yaml"]) for name in ("a", "b", "far"))
    assert (passed.get("name"), len(passed)) == ("dot", 0)
    assert unplanned[0].get("message", "").startswith("unknown model")
    assert unmade[0].get("message", "").startswith(("not made: dot", "not started"))

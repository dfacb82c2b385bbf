"""Runs without images, and texts that mean harm."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from playwright.sync_api import expect

from specrun.model.lock import Lock, LockRow, State
from specrun.store import ledger_rows
from specrun.store.attempts import AttemptState, Ending, Intent
from specrun.store.ledger_schema import open_for_writing
from specrun.store.lockfile import read_lock, write_lock
from specrun.store.manifest import FILE_NAME

CHAIN = """\
specrun: 1
provider: sandbox
models:
  dev: {id: black-forest-labs/FLUX.1-dev, params: {size: 256x256}}
jobs:
  portraits:
    model: dev
    prompt: a {{ animal }}
    matrix: {animal: [fox, hare, badger, owl, wolf]}
  seasons:
    model: dev
    prompt: "{{ portrait.axes.animal }} in winter"
    matrix:
      portrait: {values: "{{ outputs('portraits') }}", label: "{{ portrait.axes.animal }}"}
    params: {image: "{{ portrait }}"}
"""

EVIL = """\
specrun: 1
provider: sandbox
models:
  dev: {id: black-forest-labs/FLUX.1-dev, params: {size: 256x256}}
jobs:
  evil:
    model: dev
    prompt: "{{ words }}"
    matrix: {words: "{{ json('prompts.json') }}"}
    output: "{{ key[7:15] }}.{{ ext }}"
"""
HOSTILE = [
    "<script>document.title = 'owned'</script>",
    "</script><img src=x onerror=alert(1)>",
    "</style><style>body{display:none}</style>",
    "javascript:alert(1)",
    "\"><svg onload=alert(1)> ' ` ${7*7} {{7*7}}",
    "abc\u202egnp.exe \u2066hidden\u2069 \u200b",
    "x" * 10_000,
    "<!-- --> ]]> &lt;b&gt; &#x3c;",
    "\u2028line\u2029para\tTab\\u003cscript",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \u200f\u05e2\u05d1\u05e8\u05d9\u05ea",
]


@pytest.fixture(scope="module")
def troubled(new_project: Callable[..., Any]) -> Any:
    """A chain in which one portrait failed, one is unknown, one was refused, and one's file is gone."""
    project = new_project("chain", CHAIN)
    project.run("apply", "--yes", "specs/chain.yaml")
    path = project.root / "specs/chain.lock.json"
    lock = read_lock(path)
    assert lock is not None
    rows = dict(lock.rows)
    rows["portraits[animal=fox]"] = _without_images(rows, "portraits[animal=fox]")
    rows["portraits[animal=hare]"] = replace(_without_images(rows, "portraits[animal=hare]"), state=State.UNKNOWN)
    rows["portraits[animal=badger]"] = replace(_without_images(rows, "portraits[animal=badger]"), state=State.REFUSED)
    rows["seasons[portrait=fox]"] = _without_images(rows, "seasons[portrait=fox]")
    write_lock(path, Lock(spec=lock.spec, name=lock.name, rows=rows))
    _forget(project.root / "outputs/chain" / FILE_NAME, {address for address, row in rows.items() if not row.outputs})
    _failed(project.root, rows["portraits[animal=fox]"])
    (owl,) = rows["portraits[animal=owl]"].outputs
    (project.root / "outputs/chain" / owl.path).unlink()
    (project.root / ".specrun/store" / owl.blob[7:9] / owl.blob[9:]).unlink()
    project.run("gallery", "specs/chain.yaml")
    return project


def _without_images(rows: dict[str, LockRow], address: str) -> LockRow:
    return replace(rows[address], outputs=(), provenance=None)


def _forget(path: Path, addresses: set[str]) -> None:
    document = json.loads(path.read_text("utf-8"))
    document["outputs"] = [output for output in document["outputs"] if output["address"] not in addresses]
    path.write_text(json.dumps(document), "utf-8")


def _failed(root: Path, row: LockRow) -> None:
    connection = open_for_writing(root / ".specrun/ledger.db")
    intent = Intent(
        hold="h",
        spec="specs/chain.yaml",
        address=row.address,
        provider=row.provider,
        model=row.model,
        request_digest=row.key or "",
        take=2,
        images=1,
        price=None,
    )
    (attempt,) = ledger_rows.insert(connection, [intent], time.time())
    ledger_rows.mark_sent(connection, [attempt], time.time())
    ending = Ending(state=AttemptState.FAILED, cause="too many requests <b>now</b>", status=429)
    ledger_rows.mark_ended(connection, [(attempt, ending)], time.time())
    connection.close()


@pytest.mark.parametrize(
    ("address", "word", "why"),
    [
        ("portraits[animal=fox]", "failed", "too many requests <b>now</b>"),
        ("portraits[animal=hare]", "unknown", "may have been billed"),
        ("portraits[animal=badger]", "refused", "moderation refused it"),
        ("seasons[portrait=fox]", "blocked", "needs portraits[animal=fox], which has no image"),
        ("portraits[animal=owl]", "made", "neither its file nor its bytes"),
        ("portraits[animal=wolf]", "made", ""),
    ],
)
def test_a_run_without_an_image_stands_in_its_place_and_says_why(
    visit: Callable[..., Any], troubled: Any, address: str, word: str, why: str
) -> None:
    seen = visit(troubled.root / "outputs/chain.html", "#layout=wall")
    expect(seen.tiles).to_have_count(10)
    tile = seen.page.locator(".tile").filter(has=seen.page.locator(f"a[href$='{_tail(address)}']"))
    if word != "made":
        expect(tile.locator(".badge")).to_have_text(word)
    if why:
        expect(tile.locator(".void")).to_contain_text(why[:40])
    tile.click()
    expect(seen.box.locator("article")).to_contain_text(word)
    expect(seen.box).to_contain_text(why)


def _tail(address: str) -> str:
    job, _, axes = address.partition("[")
    name, _, label = axes.rstrip("]").partition("=")
    return f"{job}%5B{name}%3D{label}%5D"


def test_runs_without_an_image_are_not_counted_as_images(visit: Callable[..., Any], troubled: Any) -> None:
    seen = visit(troubled.root / "outputs/chain.html", "#layout=wall")
    count = seen.page.locator("#count")
    expect(count).to_have_text("6 images, 4 runs without one")
    seen.choose("status", "failed", "made")
    expect(count).to_have_text("7 of 10: 6 images, 1 run without one")


def test_a_section_of_runs_alone_says_what_they_are_without(visit: Callable[..., Any], troubled: Any) -> None:
    seen = visit(troubled.root / "outputs/chain.html", "#layout=wall&split=status")
    counts = seen.page.locator("section h2 small").all_inner_texts()
    assert sorted(counts) == [*["1 run without an image"] * 4, "6 images"]


def test_what_stands_in_place_of_a_large_picture_is_in_its_middle(visit: Callable[..., Any], troubled: Any) -> None:
    seen = visit(troubled.root / "outputs/chain.html", "#layout=wall")
    seen.page.locator(".tile[data-tone=wrong]").first.click()
    canvas, reason = seen.box.locator("#canvas").bounding_box(), seen.box.locator(".void").bounding_box()
    assert reason["x"] + reason["width"] / 2 == pytest.approx(canvas["x"] + canvas["width"] / 2, abs=2)
    assert reason["y"] + reason["height"] / 2 == pytest.approx(canvas["y"] + canvas["height"] / 2, abs=2)


def test_what_went_wrong_can_be_filtered(visit: Callable[..., Any], troubled: Any) -> None:
    seen = visit(troubled.root / "outputs/chain.html", "#layout=wall")
    seen.choose("status", "failed", "unknown", "refused", "blocked")
    expect(seen.tiles).to_have_count(4)
    assert seen.faults() == []


@pytest.fixture(scope="module")
def hostile(new_project: Callable[..., Any]) -> Any:
    project = new_project("evil", EVIL)
    (project.root / "specs/prompts.json").write_text(json.dumps(HOSTILE), "utf-8")
    project.run("apply", "--yes", "--gallery", "specs/evil.yaml")
    return project


@pytest.mark.parametrize("screen", ["WIDE", "PHONE"])
@pytest.mark.parametrize("view", ["#layout=wall", "#layout=plot&x=words&y="])
def test_prompts_that_mean_harm_stay_texts(
    visit: Callable[..., Any], hostile: Any, screens: Any, view: str, screen: str
) -> None:
    seen = visit(hostile.root / "outputs/evil.html", view, screen=screens[screen])
    expect(seen.tiles).to_have_count(len(HOSTILE))
    assert seen.page.title() == "evil · specrun"
    assert seen.overflow() <= 0
    heights = {round(tile.bounding_box()["height"]) for tile in seen.tiles.all()}
    assert len(heights) == 1
    seen.choose("words", "javascript:alert(1)")
    seen.tiles.first.click()
    expect(seen.box.locator(".prompt")).to_have_text("javascript:alert(1)")
    assert [link for link in seen.page.locator("a").all() if link.get_attribute("href").startswith("java")] == []


def test_every_harmful_prompt_is_shown_and_copied_whole(visit: Callable[..., Any], hostile: Any) -> None:
    seen = visit(hostile.root / "outputs/evil.html", "#layout=wall")
    seen.tiles.first.click()
    copied = []
    for _ in HOSTILE:
        seen.box.get_by_role("button", name="Copy prompt").click()
        copied.append(seen.page.evaluate("navigator.clipboard.readText()"))
        assert seen.overflow() <= 0
        seen.press("ArrowRight")
    assert copied == HOSTILE


def test_text_that_would_turn_around_or_hide_shows_as_what_it_is(visit: Callable[..., Any], hostile: Any) -> None:
    seen = visit(hostile.root / "outputs/evil.html", "#layout=wall")
    seen.page.get_by_role("searchbox").fill("gnp.exe")
    expect(seen.tiles).to_have_count(1)
    seen.tiles.first.click()
    expect(seen.box.locator(".prompt")).to_have_text(r"abc\u202egnp.exe \u2066hidden\u2069 \u200b")

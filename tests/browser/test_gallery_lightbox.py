import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

WALL = "#layout=wall"
FIRST = 'zoo[animal="a fox",style=woodcut,sample=1]'


@pytest.fixture
def page(zoo: Any) -> Path:
    return Path(zoo.root / "outputs/zoo.html")


def title(seen: Any) -> str:
    return str(seen.box.locator("h2").inner_text())


def test_the_keyboard_reaches_opens_turns_and_closes_images(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page, WALL)
    seen.press("ArrowRight", "ArrowRight", "Enter")
    assert title(seen) == FIRST.replace("sample=1", "sample=2")
    seen.press("ArrowRight")
    assert title(seen) == FIRST.replace("woodcut,sample=1", "watercolour,sample=1")
    seen.press("ArrowLeft", "ArrowLeft")
    assert title(seen) == FIRST
    expect(seen.box.get_by_role("button", name="Previous image")).to_be_disabled()
    seen.press("Escape")
    expect(seen.box).to_be_hidden()
    assert seen.page.evaluate("document.activeElement.closest('.tile').dataset.number") == "0"


def test_up_and_down_go_to_the_image_above_and_below(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    seen.press("ArrowDown", "Enter")
    assert title(seen) == FIRST
    seen.press("ArrowDown")
    assert title(seen) == FIRST.replace("woodcut", "watercolour")
    seen.press("ArrowUp", "Escape", "ArrowDown", "Enter")
    assert title(seen) == FIRST.replace("woodcut", "watercolour")


def test_a_slash_searches_and_escape_clears(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page, WALL)
    seen.press("/")
    seen.page.keyboard.type("owl")
    expect(seen.tiles).to_have_count(4)
    seen.press("ArrowDown", "Enter")
    assert "an owl" in title(seen)
    seen.press("Escape", "Escape")
    expect(seen.tiles).to_have_count(12)


def test_the_large_view_shows_the_original_with_its_whole_provenance(
    visit: Callable[..., Any], page: Path, zoo: Any
) -> None:
    seen = visit(page, WALL)
    seen.tiles.first.click()
    image = seen.box.get_by_role("img", name="a woodcut of a fox")
    expect(image).to_have_attribute("src", re.compile(r"^zoo/zoo/.*\.png$"))
    (output,) = (
        output
        for output in json.loads((zoo.root / "outputs/zoo/manifest.json").read_text("utf-8"))["outputs"]
        if output["address"] == FIRST
    )
    told = seen.box.locator("article").inner_text()
    for name in ("model", "provider", "prompt", "path"):
        assert output[name] in told
    whole = [each.get_attribute("title") for each in seen.box.locator(".digest").all()]
    assert {output["blob"], output["file"], output["key"]} <= set(whole)
    assert str(output["seed"]) in told
    assert "320 by 256 pixels" in told
    assert re.search(r"guidance_scale\s+6\n", told)
    assert re.search(r"steps\s+28 default", told)


@pytest.mark.parametrize(
    ("button", "copied"),
    [
        ("Copy address", FIRST),
        ("Copy prompt", "a woodcut of a fox"),
        ("Copy command", f"specrun apply --target '{FIRST}' --replace '{FIRST}' specs/zoo.yaml"),
    ],
)
def test_what_a_person_needs_elsewhere_can_be_copied(
    visit: Callable[..., Any], page: Path, button: str, copied: str
) -> None:
    seen = visit(page, WALL)
    seen.tiles.first.click()
    seen.box.get_by_role("button", name=button).click()
    expect(seen.page.get_by_role("status").last).to_have_text(re.compile("copied"))
    assert seen.page.evaluate("navigator.clipboard.readText()") == copied


def test_the_copied_command_is_one_that_specrun_takes(visit: Callable[..., Any], page: Path, zoo: Any) -> None:
    told = zoo.run("plan", "--target", FIRST, "--replace", FIRST, "specs/zoo.yaml")
    assert "replace 1 run" in told


def test_a_link_opens_one_image_and_back_closes_it(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page, WALL)
    seen.tiles.nth(4).click()
    opened = title(seen)
    again = visit(page, seen.hash)
    assert title(again) == opened
    seen.page.go_back()
    expect(seen.box).to_be_hidden()
    assert seen.hash == WALL


def test_a_tiles_own_link_opens_it(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page, WALL)
    again = visit(page, seen.tiles.nth(7).get_by_role("link").get_attribute("href"))
    assert title(again) == 'zoo[animal="an owl",style=watercolour,sample=2]'


def test_focus_stays_inside_the_large_view(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page, WALL)
    seen.tiles.nth(3).click()
    for _ in range(12):
        seen.press("Tab")
        assert seen.page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )


def test_an_audit_of_the_large_view_finds_no_serious_fault(visit: Callable[..., Any], page: Path) -> None:
    for dark in (False, True):
        seen = visit(page, WALL, dark=dark)
        seen.tiles.first.click()
        expect(seen.box).to_be_visible()
        assert seen.faults() == []

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def page(new_project: Callable[[str, str], Any], zoo: Any) -> Path:
    """Against an earlier lock: foxes are replaced, dormice came for hedgehogs, owls stayed."""
    project = new_project("zoo", (zoo.root / "specs/zoo.yaml").read_text("utf-8"))
    project.run("apply", "--yes", "specs/zoo.yaml")
    shutil.copy(project.root / "specs/zoo.lock.json", project.root / "before.lock.json")
    spec = "specs/zoo.yaml"
    project.edit(spec, "a hedgehog]", "a dormouse]")
    project.edit(
        spec, "    overrides:\n", "    overrides:\n      - {match: {animal: a fox}, params: {steps: 40, seed: 7}}\n"
    )
    project.run("apply", "--yes", spec)
    project.run("diff", "--base", "before.lock.json", "--html", "diff.html", spec)
    return Path(project.root / "diff.html")


def test_what_differs_stands_under_how_it_differs(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    assert seen.page.locator("section h2 bdi").all_inner_texts() == ["replaced", "added", "removed"]
    expect(seen.tiles).to_have_count(12)
    assert seen.page.locator(".figures dd").all_inner_texts() == ["4", "4", "4", "4"]
    added = seen.page.locator(".tile[data-tone=new]").first
    expect(added).to_contain_text("not there before")
    assert seen.picture(added.get_by_role("img")) == (320, 256)
    expect(seen.page.locator(".tile[data-tone=gone]").first).to_contain_text("no longer there")


def test_what_changed_most_comes_first(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    replaced = seen.page.locator(".tile[data-tone=changed] .caption > span").all_inner_texts()
    distances = [float(text.split()[2]) for text in replaced]
    assert len(distances) == 4
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 5


def test_how_much_changed_is_told_with_its_scale(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    expect(seen.tiles.first.locator(".caption")).to_contain_text("in colour (100: black to white) · steps")
    seen.tiles.first.click()
    expect(seen.box.locator("article")).to_contain_text("0 is the same")


def test_a_difference_names_its_fields_with_old_and_new(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    seen.tiles.first.click()
    changes = seen.box.locator(".changes")
    expect(changes.locator("dt")).to_have_text(["steps"])
    expect(changes.locator("del")).to_have_text("28")
    expect(changes.locator("ins")).to_have_text("40")


def test_two_images_stand_side_by_side(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    seen.tiles.first.click()
    before, after = seen.box.get_by_role("img").all()
    assert before.get_attribute("alt").startswith("before: ")
    assert after.get_attribute("alt").startswith("after: ")
    assert seen.picture(before) == seen.picture(after) == (320, 256)
    assert before.bounding_box()["x"] + before.bounding_box()["width"] <= after.bounding_box()["x"]


def test_a_slider_uncovers_one_image_under_the_other(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    seen.tiles.first.click()
    seen.box.get_by_text("Slider", exact=True).click()
    slider = seen.box.get_by_role("slider")
    clip = "getComputedStyle(document.querySelector('#canvas [data-side=after]')).clipPath"
    assert seen.page.evaluate(clip) == "inset(0px 0px 0px 50%)"
    slider.focus()
    seen.press("Home")
    assert seen.page.evaluate(clip) == "inset(0px 0px 0px 0%)"
    box = slider.bounding_box()
    seen.page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + 40)
    assert 70 < float(slider.input_value()) < 80


def test_blinking_shows_one_image_then_the_other(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    seen.page.emulate_media(reduced_motion="reduce")
    seen.tiles.first.click()
    seen.press("3")
    before, after = seen.box.locator("[data-side=before] img"), seen.box.locator("[data-side=after] img")
    expect(before).to_be_visible()
    expect(after).to_be_hidden()
    seen.press("Space")
    expect(before).to_be_hidden()
    expect(after).to_be_visible()


def test_blinking_goes_on_by_itself_where_motion_is_welcome(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page, "#mode=blink")
    seen.tiles.first.click()
    for side in ("after", "before"):
        expect(seen.box.locator("#canvas")).to_have_attribute("data-shows", side)


def test_the_difference_is_black_where_nothing_changed(visit: Callable[..., Any], page: Path, tmp_path: Path) -> None:
    seen = visit(page)
    seen.tiles.first.click()
    seen.press("4")
    canvas = seen.box.locator("#canvas")
    assert canvas.evaluate("canvas => getComputedStyle(canvas.children[1]).mixBlendMode") == "difference"
    picture = tmp_path / "difference.png"
    canvas.screenshot(path=picture)
    with Image.open(picture) as image:
        colours = image.convert("L").histogram()
    assert colours[0] > sum(colours) / 20
    assert sum(colours[40:]) > sum(colours) / 20


def test_keys_turn_to_the_next_difference_and_keep_the_mode(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    seen.tiles.first.click()
    seen.press("2")
    title = seen.box.locator("h2").inner_text()
    seen.press("ArrowRight")
    assert seen.box.locator("h2").inner_text() != title
    expect(seen.box.get_by_role("slider")).to_be_visible()
    assert "mode=slider" in seen.hash


@pytest.mark.parametrize("screen", ["WIDE", "PHONE"])
def test_screens_hold_the_comparison_and_an_audit_passes(
    visit: Callable[..., Any], page: Path, screens: Any, screen: str
) -> None:
    seen = visit(page, screen=screens[screen])
    assert seen.faults() == []
    seen.tiles.first.click()
    for mode in ("1", "2", "3", "4"):
        seen.press(mode)
        assert seen.overflow() <= 0
        assert seen.faults() == []

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

PAGE = "outputs/zoo.html"


@pytest.fixture
def page(zoo: Any) -> Path:
    return Path(zoo.root / PAGE)


def test_a_grid_shows_each_image_where_its_column_and_row_meet(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    expect(seen.tiles).to_have_count(12)
    heads = seen.page.get_by_role("columnheader").all_inner_texts()[1:]
    assert heads == ["a fox", "an owl", "a hedgehog"]
    assert seen.page.get_by_role("rowheader").all_inner_texts() == ["woodcut", "watercolour"]
    cell = seen.page.get_by_role("row").nth(2).get_by_role("cell").nth(1)
    expect(cell.get_by_role("img")).to_have_count(2)
    expect(cell.get_by_role("img").first).to_have_accessible_name("a watercolour of an owl")
    assert seen.picture(cell.get_by_role("img").first) == (320, 256)


def test_columns_rows_and_sections_are_the_readers_choice(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    seen.page.get_by_label("Columns").select_option("sample")
    seen.page.get_by_label("Rows").select_option("animal")
    seen.page.get_by_label("Split by").select_option("style")
    assert seen.page.locator("section h2 bdi").all_inner_texts() == ["woodcut", "watercolour"]
    assert seen.page.get_by_role("columnheader").all_inner_texts()[1:3] == ["1", "2"]
    assert seen.page.get_by_role("rowheader").all_inner_texts() == ["a fox", "an owl", "a hedgehog"] * 2
    expect(seen.page.get_by_role("cell").locator(".tile")).to_have_count(12)


def test_a_wall_says_below_each_image_what_it_is(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    seen.page.get_by_text("Wall", exact=True).click()
    assert seen.labels[:3] == ["a fox · woodcut · 1", "a fox · woodcut · 2", "a fox · watercolour · 1"]
    seen.page.get_by_label("Split by").select_option("animal")
    assert seen.labels[:2] == ["woodcut · 1", "woodcut · 2"]


def test_filters_leave_what_was_chosen_and_say_how_many(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page, "#layout=wall")
    seen.choose("animal", "a fox", "an owl")
    seen.choose("style", "woodcut")
    expect(seen.tiles).to_have_count(4)
    expect(seen.page.get_by_role("status").first).to_have_text("4 of 12 images")
    expect(seen.page.locator("button[data-facet='animal']")).to_have_text("animal: a fox +1")
    seen.page.get_by_role("button", name="Clear").click()
    expect(seen.tiles).to_have_count(12)


def test_a_parameter_that_varies_can_be_filtered_and_laid_out(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page, "#layout=wall")
    seen.choose("guidance_scale", "6")
    expect(seen.tiles).to_have_count(6)
    seen.page.get_by_role("button", name="Clear").click()
    seen.page.get_by_label("Split by").select_option("guidance_scale")
    assert seen.page.locator("section h2 bdi").all_inner_texts() == ["2.5", "6"]


@pytest.mark.parametrize(
    ("words", "found"),
    [("woodcut OWL", 2), ("guidance_scale=6 fox", 2), ("flux.1-dev", 12), ("zebra", 0)],
    ids=["prompt", "parameter", "model", "nothing"],
)
def test_search_finds_words_in_prompts_models_and_parameters(
    visit: Callable[..., Any], page: Path, words: str, found: int
) -> None:
    seen = visit(page)
    seen.page.get_by_role("searchbox").fill(words)
    expect(seen.tiles).to_have_count(found)
    expect(seen.page.get_by_text("Nothing matches")).to_have_count(0 if found else 1)


def test_search_finds_a_seed(visit: Callable[..., Any], page: Path, zoo: Any) -> None:
    outputs = json.loads((zoo.root / "outputs/zoo/manifest.json").read_text("utf-8"))["outputs"]
    seen = visit(page, "#layout=wall")
    seen.page.get_by_role("searchbox").fill(str(outputs[5]["seed"]))
    expect(seen.tiles).to_have_count(1)
    assert outputs[5]["axes"]["animal"] in seen.labels[0]


def test_sorting_by_seed_puts_the_smallest_first(visit: Callable[..., Any], page: Path, zoo: Any) -> None:
    outputs = json.loads((zoo.root / "outputs/zoo/manifest.json").read_text("utf-8"))["outputs"]
    least = min(outputs, key=lambda output: output["seed"])["axes"]
    seen = visit(page, "#layout=wall")
    seen.page.get_by_label("Sort").select_option("seed")
    assert seen.labels[0] == f"{least['animal']} · {least['style']} · {least['sample']}"


def test_the_size_of_tiles_can_be_chosen(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page, "#layout=wall")
    before = seen.tiles.first.bounding_box()["width"]
    seen.page.get_by_label("Size").fill("500")
    assert seen.tiles.first.bounding_box()["width"] > before * 1.5


def test_a_link_brings_a_view_back(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    seen.page.get_by_text("Wall", exact=True).click()
    seen.choose("style", "watercolour")
    seen.page.get_by_label("Sort").select_option("seed")
    seen.page.get_by_role("searchbox").fill("fox")
    expect(seen.tiles).to_have_count(2)
    again = visit(page, seen.hash)
    expect(again.tiles).to_have_count(2)
    assert again.labels == seen.labels
    expect(again.page.get_by_role("searchbox")).to_have_value("fox")


def test_a_link_with_nonsense_in_it_shows_the_page_all_the_same(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page, "#layout=moon&x=%3Cscript%3E&size=1e9&open=nobody&is.animal=zebra&sort=__proto__&%E0%A4%A")
    expect(seen.tiles).to_have_count(12)


@pytest.mark.parametrize("name", ["WIDE", "LAPTOP", "PHONE"])
@pytest.mark.parametrize("layout", ["wall", "plot"])
def test_every_screen_holds_the_page(
    visit: Callable[..., Any], page: Path, screens: Any, name: str, layout: str
) -> None:
    seen = visit(page, f"#layout={layout}", screen=screens[name])
    assert seen.overflow() <= 0
    expect(seen.tiles.first).to_be_in_viewport()
    assert seen.picture(seen.tiles.first.get_by_role("img")) == (320, 256)
    seen.tiles.first.click()
    expect(seen.box.get_by_role("img")).to_be_in_viewport()
    expect(seen.box.get_by_role("button", name="Close")).to_be_in_viewport()
    assert seen.overflow() <= 0


def test_on_a_phone_the_controls_are_one_button_away_and_none_is_cut_off(
    visit: Callable[..., Any], page: Path, screens: Any
) -> None:
    seen = visit(page, "#layout=wall", screen=screens["PHONE"])
    controls = seen.page.locator("#controls")
    expect(controls).to_be_hidden()
    view = seen.page.get_by_role("button", name="View")
    expect(view).to_have_attribute("aria-expanded", "false")
    view.click()
    expect(view).to_have_attribute("aria-expanded", "true")
    for control in controls.locator("input:visible, select:visible, button:visible").all():
        place = control.bounding_box()
        assert place["x"] >= 0
        assert place["x"] + place["width"] <= screens["PHONE"]["width"]
    assert seen.overflow() <= 0
    assert seen.faults() == []
    seen.choose("animal", "a fox")
    expect(seen.tiles).to_have_count(4)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_chosen_layout_stands_out(visit: Callable[..., Any], page: Path, dark: bool) -> None:
    seen = visit(page, "#layout=wall", dark=dark)
    chosen, other = seen.page.locator(".segments span").all()
    assert _contrast(_background(chosen), _background(seen.page.locator(".segments"))) >= 3
    assert _background(other) == "rgba(0, 0, 0, 0)"
    assert seen.faults() == []


def _background(element: Any) -> str:
    return str(element.evaluate("element => getComputedStyle(element).backgroundColor"))


def _contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG has it."""
    dark, light = sorted(_luminance([int(part) / 255 for part in re.findall(r"\d+", text)]) for text in (one, other))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: list[float]) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_colours_follow_the_system_until_the_reader_chooses(visit: Callable[..., Any], page: Path) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light, dark = visit(page), visit(page, dark=True)
    white, black = light.page.evaluate(paper), dark.page.evaluate(paper)
    assert white != black
    button = light.page.get_by_role("button", name="Colours: as the system")
    button.click()
    assert light.page.evaluate(paper) == white
    light.page.get_by_role("button", name="Colours: light").click()
    assert light.page.evaluate(paper) == black
    light.page.reload()
    assert light.page.evaluate(paper) == black


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("view", ["#layout=plot", "#layout=wall&split=animal"])
def test_an_audit_finds_no_serious_fault(visit: Callable[..., Any], page: Path, view: str, dark: bool) -> None:
    seen = visit(page, view, dark=dark)
    expect(seen.tiles).to_have_count(12)
    assert seen.faults() == []


def test_nothing_moves_while_the_page_loads_and_is_scrolled(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page, "#layout=wall&size=560")
    shift = seen.page.evaluate("""() => new Promise((done) => {
      let shift = 0;
      const add = (list) => list.getEntries().forEach((entry) => (shift += entry.value));
      new PerformanceObserver(add).observe({type: "layout-shift", buffered: true});
      const main = document.getElementById("main");
      const height = main.scrollHeight;
      (function step() {
        main.scrollTop += 300;
        if (main.scrollTop + main.clientHeight < main.scrollHeight - 1) requestAnimationFrame(step);
        else setTimeout(() => done([shift, main.scrollHeight - height]), 200);
      })();
    })""")
    assert shift == [0, 0]


def test_the_policy_lets_nothing_run_or_load_that_the_page_did_not_bring(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    policy = seen.page.locator("meta[http-equiv]").get_attribute("content")
    assert re.fullmatch(
        r"default-src 'none'; img-src data: 'self'; style-src 'sha256-\S+'; script-src 'sha256-\S+'; "
        r"base-uri 'none'; form-action 'none'",
        policy,
    )


def test_a_folder_holds_thumbnails_and_whole_images_and_can_be_moved(
    visit: Callable[..., Any], zoo: Any, tmp_path: Path
) -> None:
    zoo.run("gallery", "-o", str(tmp_path / "site"), "specs/zoo.yaml")
    moved = (tmp_path / "site").rename(tmp_path / "elsewhere")
    seen = visit(moved / "index.html")
    image = seen.tiles.first.get_by_role("img")
    assert seen.picture(image) == (320, 256)
    assert image.get_attribute("src").startswith("thumbs/")
    seen.tiles.first.click()
    expect(seen.box.get_by_role("img")).to_have_attribute("src", re.compile(r"^images/[0-9a-f]{32}\.png$"))
    link = seen.box.get_by_role("link", name="Open the original file")
    assert (moved / link.get_attribute("href")).read_bytes().startswith(b"\x89PNG")

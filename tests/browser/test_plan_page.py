import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

# Asking this server would cost money; planning does not ask it.
PAID = "providers: {sandbox: {base_url: 'http://127.0.0.1:9/v1'}}\n"


@pytest.fixture(scope="module")
def page(new_project: Callable[[str, str], Any], zoo: Any) -> Path:
    """A plan after a look on the sandbox: foxes stay, owls get other words, dormice are new, hedgehogs go."""
    project = new_project("zoo", (zoo.root / "specs/zoo.yaml").read_text("utf-8"))
    spec = "specs/zoo.yaml"
    project.run("apply", "--yes", spec)
    (project.root / "specrun.yaml").write_text(PAID, "utf-8")
    project.edit(spec, "a hedgehog]", "a dormouse]")
    project.edit(spec, "of {{ animal }}", "of {{ animal | replace('an owl', 'an old owl') }}")
    project.run("plan", "--html", "plan.html", spec)
    return Path(project.root / "plan.html")


def test_each_cell_shows_what_is_to_become_of_it(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    assert seen.page.locator("section h2 bdi").all_inner_texts() == ["replace", "create", "orphan", "keep"]
    expect(seen.tiles).to_have_count(16)
    told = dict(
        zip(
            seen.page.locator(".figures dt").all_inner_texts(),
            seen.page.locator(".figures dd").all_inner_texts(),
            strict=True,
        )
    )
    assert told == {
        "create": "4",
        "replace": "4",
        "keep": "4",
        "orphan": "4",
        "requests": "8 for 8 images",
        "price": "0.80 CNY",
    }


def test_a_new_image_is_drawn_and_the_drawing_says_what_it_is(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    tile = seen.page.locator(".tile[data-tone=new]").first
    expect(tile.locator(".mark")).to_have_text("sandbox preview")
    expect(tile.locator(".caption")).to_contain_text("0.10 CNY")
    assert seen.picture(tile.get_by_role("img")) == (320, 256)


def test_an_image_that_will_be_replaced_shows_with_its_drawing_and_the_change(
    visit: Callable[..., Any], page: Path
) -> None:
    seen = visit(page)
    tile = seen.page.locator(".tile[data-tone=changed]").first
    expect(tile.locator("img")).to_have_count(2)
    tile.click()
    now, drawn = seen.box.get_by_role("figure").all()
    expect(now).to_contain_text("now")
    expect(drawn).to_contain_text("sandbox preview")
    expect(seen.box.locator("ins")).to_have_text(re.compile("old"))
    seen.press("2")
    expect(seen.box.get_by_role("slider")).to_be_visible()


def test_an_image_that_stays_is_shown_as_it_is(visit: Callable[..., Any], page: Path) -> None:
    seen = visit(page)
    seen.choose("status", "keep")
    expect(seen.tiles).to_have_count(4)
    expect(seen.tiles.first.locator(".mark")).to_have_count(0)
    seen.tiles.first.click()
    expect(seen.box.get_by_role("img")).to_have_attribute("src", re.compile(r"^outputs/zoo/zoo/"))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_an_audit_of_the_plan_finds_no_serious_fault(visit: Callable[..., Any], page: Path, dark: bool) -> None:
    seen = visit(page, dark=dark)
    expect(seen.tiles).to_have_count(16)
    assert seen.faults() == []
    assert seen.overflow() <= 0


SHOP = """\
specrun: 1
provider: sandbox
jobs:
  shots:
    model: black-forest-labs/Flux-Kontext-Pro
    prompt: "{{ item.title }} on {{ background }}"
    params: {image: "{{ file('photos/' ~ item.sku ~ '.png') }}"}
    matrix:
      item: [{sku: A1, title: Brass lamp}, {sku: B2, title: Beech chair}]
      background: [white, slate]
"""


@pytest.fixture(scope="module")
def shop(new_project: Callable[[str, str], Any]) -> Any:
    """A shop whose chairs stand on white from now on under another number, and whose slate is now sage."""
    project = new_project("shop", SHOP)
    (project.root / "specs/photos").mkdir()
    for sku, colour in (("A1", (200, 150, 60)), ("B2", (60, 110, 160)), ("C3", (60, 110, 160))):
        Image.new("RGB", (300, 200), colour).save(project.root / f"specs/photos/{sku}.png")
    project.run("apply", "--yes", "--gallery", "specs/shop.yaml")
    project.edit("specs/shop.yaml", "sku: B2", "sku: C3")
    project.edit("specs/shop.yaml", "[white, slate]", "[white, sage]")
    project.run("plan", "--html", "plan.html", "specs/shop.yaml")
    return project


def test_what_changes_and_costs_comes_before_what_is_only_moved(visit: Callable[..., Any], shop: Any) -> None:
    seen = visit(shop.root / "plan.html")
    assert seen.page.locator("section h2 bdi").all_inner_texts() == ["create", "move", "orphan", "keep"]
    expect(seen.page.locator("#count")).to_have_text("4 images, 2 to be made")
    expect(seen.tiles.first.locator(".caption")).to_contain_text("free · Brass lamp on sage")


def test_a_renamed_image_says_what_it_was_called(visit: Callable[..., Any], shop: Any) -> None:
    seen = visit(shop.root / "plan.html")
    seen.choose("status", "move")
    seen.tiles.first.click()
    changes = seen.box.locator(".changes")
    expect(changes.locator("dt")).to_have_text(["address"])
    expect(changes.locator("del")).to_have_text("shots[item=B2,background=white]")
    expect(changes.locator("ins")).to_have_text("shots[item=C3,background=white]")


@pytest.mark.parametrize("page", ["plan.html", "outputs/shop.html"])
def test_what_an_image_is_made_from_is_shown(visit: Callable[..., Any], shop: Any, page: str) -> None:
    seen = visit(shop.root / page, "#layout=wall")
    seen.tiles.first.click()
    photo = seen.box.locator(".inputs figure")
    expect(photo).to_have_text("specs/photos/A1.png")
    assert seen.picture(photo.get_by_role("img")) == (160, 107)
    assert seen.faults() == []


def test_digests_stand_short_and_are_copied_whole(visit: Callable[..., Any], shop: Any) -> None:
    seen = visit(shop.root / "outputs/shop.html", "#layout=wall")
    seen.tiles.first.click()
    digests = seen.box.locator("button.digest")
    assert {len(text) for text in digests.all_inner_texts()} == {20}
    assert not re.search(r"[0-9a-f]{64}", seen.box.inner_text())
    digests.last.click()
    copied = seen.page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", copied)
    assert copied.startswith(digests.last.inner_text()[:-1])


def test_rows_say_what_their_number_stands_for(visit: Callable[..., Any], shop: Any) -> None:
    seen = visit(shop.root / "outputs/shop.html", "#layout=plot&x=background&y=item&split=")
    assert seen.page.get_by_role("rowheader").all_inner_texts() == ["A1 Brass lamp on…", "B2 Beech chair on…"]
    assert seen.faults() == []

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
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

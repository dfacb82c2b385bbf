import json
import re
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

SPEC = "specs/quickstart.yaml"

CHAIN = """\
specrun: 1
provider: sandbox
jobs:
  one: {model: black-forest-labs/FLUX.1-dev, prompt: a fox, params: {size: 256x256}}
  two:
    model: black-forest-labs/Flux-Kontext-Pro
    prompt: in winter
    params: {image: "{{ output('one') }}"}
"""


@pytest.fixture
def changed(project: Any) -> Any:
    """Images, and since then other words for the woodcuts."""
    project("apply", "--yes", SPEC)
    spec = project.folder / SPEC
    spec.write_text(spec.read_text("utf-8").replace("woodcut", "linocut"), "utf-8")
    return project


def data(page: Path) -> Any:
    return json.loads(page.read_text("utf-8").split('id="sheet">')[1].split("</script>")[0])


def test_a_plan_becomes_a_page_before_anything_is_made(project: Any) -> None:
    ended = project("plan", "--html", "plan.html", SPEC)
    assert "Plan: 6 create." in ended.out
    page = data(project.folder / "plan.html")
    assert {page["statuses"][tile.get("status", 0)]["word"] for tile in page["tiles"]} == {"create"}
    assert all(tile["image"]["drawn"] and tile["image"]["small"] >= 0 for tile in page["tiles"])
    assert not (project.folder / "outputs").exists()


def test_a_plan_page_does_not_change_what_the_plan_prints(changed: Any) -> None:
    plain = changed("plan", SPEC).out
    assert changed("plan", "--html", "plan.html", SPEC).out == plain


def test_a_chain_is_drawn_from_its_drawings(project: Any) -> None:
    (project.folder / "specs/chain.yaml").write_text(CHAIN, "utf-8")
    project("plan", "--html", "plan.html", "specs/chain.yaml")
    first, second = data(project.folder / "plan.html")["tiles"]
    assert first["image"]["small"] != second["image"]["small"] >= 0


def test_one_page_for_several_specs_is_refused(changed: Any) -> None:
    (changed.folder / "specs/other.yaml").write_text((changed.folder / SPEC).read_text("utf-8"), "utf-8")
    assert "several specs" in changed("plan", "--html", "x.html", SPEC, "specs/other.yaml", code=64).err


def test_markdown_shows_the_images_that_do_not_stay(changed: Any) -> None:
    text = changed("plan", "--format", "markdown", "--thumbnails", "thumbs", SPEC).out
    html = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    linked = re.findall(r'<img src="thumbs/([0-9a-f]{32}\.webp)" width="160" alt="now">', html)
    assert len(linked) == 3
    assert set(linked) <= {path.name for path in (changed.folder / "thumbs").iterdir()}


def test_markdown_without_thumbnails_is_as_before(changed: Any) -> None:
    assert "<img" not in changed("plan", "--format", "markdown", SPEC).out

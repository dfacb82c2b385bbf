import json
import re
from pathlib import Path
from typing import Any

import pytest

SPEC = "specs/quickstart.yaml"
PAGE = "outputs/quickstart.html"
FOX = 'animals[animal="a red fox",style=woodcut]'


@pytest.fixture
def applied(project: Any) -> Any:
    project("apply", "--yes", SPEC)
    return project


def data(page: Path) -> Any:
    found = re.search(r'<script type="application/json" id="sheet">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def thumbs(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (folder / ".specrun/thumbs").rglob("*.webp")}


def test_a_gallery_is_one_file_beside_the_images(applied: Any) -> None:
    assert applied("gallery", SPEC).out == f"{PAGE}: 6 images\n"
    page = data(applied.folder / PAGE)
    assert [tile["axes"][0][1] for tile in page["tiles"]] == ["a red fox"] * 2 + ["an owl"] * 2 + ["a hedgehog"] * 2
    assert (applied.folder / "outputs" / page["tiles"][0]["image"]["href"]).is_file()


def test_a_second_gallery_is_the_same_and_one_changed_image_makes_one_thumbnail(applied: Any) -> None:
    applied("gallery", SPEC)
    page, before = (applied.folder / PAGE).read_bytes(), thumbs(applied.folder)
    applied("gallery", SPEC)
    assert (applied.folder / PAGE).read_bytes() == page
    assert thumbs(applied.folder) == before
    spec = applied.folder / SPEC
    spec.write_text(
        spec.read_text("utf-8")
        + "    overrides:\n      - {match: {animal: an owl, style: woodcut}, params: {seed: 5}}\n",
        "utf-8",
    )
    applied("apply", "--yes", "--gallery", SPEC)
    after = thumbs(applied.folder)
    assert {name: when for name, when in after.items() if name in before} == before
    assert len(after) == len(before) + 1


def test_apply_names_the_gallery_and_makes_it_when_asked(project: Any) -> None:
    assert project("apply", "--yes", SPEC).out.endswith(f"\nGallery: specrun gallery {SPEC}\n")
    assert not (project.folder / PAGE).exists()
    assert project("apply", "--yes", "--gallery", SPEC).out.endswith(f"\nGallery: {PAGE}\n")
    assert len(data(project.folder / PAGE)["tiles"]) == 6


def test_a_gallery_does_not_spoil_json_events(project: Any) -> None:
    ended = project("apply", "--yes", "--json", "--gallery", SPEC)
    assert all(json.loads(line) for line in ended.out.splitlines())
    assert f"Gallery: {PAGE}" in ended.err


def test_a_rehearsal_has_a_gallery_of_its_own(project: Any) -> None:
    ended = project("apply", "--rehearse", "--gallery", SPEC)
    assert "Gallery: .specrun/rehearsal/outputs/quickstart.html" in ended.out
    assert len(data(project.folder / ".specrun/rehearsal/outputs/quickstart.html")["tiles"]) == 6
    assert not (project.folder / "outputs").exists()


def test_a_variant_has_a_gallery_of_its_own(applied: Any) -> None:
    applied("apply", "--yes", "--name", "other", SPEC)
    assert applied("gallery", "--name", "other", SPEC).out == "outputs/other.html: 6 images\n"
    (command,) = data(applied.folder / "outputs/other.html")["commands"].values()
    assert command.endswith(f"--name other {SPEC}")


@pytest.mark.parametrize(
    ("asked", "written"), [("page.html", "page.html"), ("site", "site/index.html"), ("a/b/", "a/b/index.html")]
)
def test_a_page_goes_where_it_is_asked_to(applied: Any, asked: str, written: str) -> None:
    assert applied("gallery", "-o", asked, SPEC).out == f"{written}: 6 images\n"
    assert (applied.folder / written).is_file()


def test_without_a_lock_there_is_nothing_to_show(project: Any) -> None:
    ended = project("gallery", SPEC, code=1)
    assert ended.err == (
        "error: nothing to show\n"
        f"  {SPEC} has no lock, so nothing has been made from it yet\n"
        f"  hint: `specrun apply {SPEC}` makes its images\n"
    )


def test_without_images_on_this_machine_it_says_how_to_bring_them(applied: Any) -> None:
    (applied.folder / "outputs/quickstart/manifest.json").unlink()
    ended = applied("gallery", SPEC, code=1)
    assert f"`specrun apply {SPEC}` restores them" in ended.err


def test_a_spec_with_faults_does_not_hide_its_images(applied: Any) -> None:
    (applied.folder / SPEC).write_text("specrun: 1\njobs: {animals: {}}\n", "utf-8")
    ended = applied("gallery", SPEC)
    assert f"sorted by address; see `specrun validate {SPEC}`" in ended.err
    assert len(data(applied.folder / PAGE)["tiles"]) == 6


def test_a_lost_image_leaves_its_place_and_the_reason(applied: Any) -> None:
    (output,) = (
        output
        for output in json.loads((applied.folder / "outputs/quickstart/manifest.json").read_text("utf-8"))["outputs"]
        if output["address"] == FOX
    )
    (applied.folder / "outputs/quickstart" / output["path"]).unlink()
    (applied.folder / ".specrun/store" / output["blob"][7:9] / output["blob"][9:]).unlink()
    assert applied("gallery", SPEC).out == f"{PAGE}: 5 images\n"
    (tile,) = (tile for tile in data(applied.folder / PAGE)["tiles"] if tile["address"] == FOX)
    assert tile["image"]["missing"] == "neither its file nor its bytes in the store are on this machine"


def test_one_page_for_several_specs_is_refused(applied: Any) -> None:
    (applied.folder / "specs/other.yaml").write_text((applied.folder / SPEC).read_text("utf-8"), "utf-8")
    assert "several specs" in applied("gallery", "-o", "x.html", SPEC, "specs/other.yaml", code=64).err


def test_a_page_names_no_folder_of_this_machine(applied: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "page.html"
    applied("gallery", SPEC)
    applied("gallery", "-o", str(elsewhere), SPEC)
    for page in (applied.folder / PAGE, elsewhere):
        assert str(applied.folder).encode() not in page.read_bytes()
        assert applied.folder.name.encode() not in page.read_bytes()


def test_pages_hold_no_markup_of_the_checkout_that_could_run(applied: Any) -> None:
    applied("gallery", SPEC)
    page = (applied.folder / PAGE).read_text("utf-8")
    assert re.search(r"\son\w+\s*=", re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)) is None
    assert "http://" not in page
    assert "https://" not in page


def test_a_page_does_not_say_where_the_project_stands(applied: Any) -> None:
    spec = str(applied.folder / SPEC)
    applied("gallery", "-o", "page.html", spec)
    applied("plan", "--html", "plan.html", spec)
    applied("verify", "--junit", "verify.xml", spec)
    for name in ("page.html", "plan.html", "verify.xml"):
        text = (applied.folder / name).read_text("utf-8")
        assert str(applied.folder) not in text
        assert SPEC in text

import base64
import hashlib
import io
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PIL import Image

from specrun.canonical import digest
from specrun.model.lock import LockedOutput, LockRow
from specrun.pages.album import Album, make_album
from specrun.pages.html import sheet_page
from specrun.pages.originals import MissingError, Originals, with_inputs
from specrun.pages.sheet import Param, Picture, Sheet, Status, Tile
from specrun.pages.write import link_from, link_thumbnails, write_file, write_folder
from specrun.store.blobs import Blobs
from specrun.store.thumbnails import Thumbnails

EVIL = "</script><script>alert(1)</script><!-- & \u2028"


def png(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 20), (shade, 0, 0)).save(out, "PNG")
    return out.getvalue()


IMAGES = {digest(png(shade)): png(shade) for shade in (10, 20, 30)}


def sheet(*blobs: str, prompt: str = "a cat") -> Sheet:
    tiles = (
        Tile(
            address=f"a[n={number}]",
            job="a",
            axes=(("n", str(number)),),
            status=Status(word="made"),
            prompt=prompt,
            params=(Param(name="mask", value=[blob]),),
            image=Picture(blob=blob, path=f"a/{number}.PNG"),
        )
        for number, blob in enumerate(blobs)
    )
    return Sheet(title=prompt, spec="specs/s.yaml", noun="image", tiles=tuple(tiles))


def album(page: Sheet, folder: Path) -> Album:
    return make_album(page, Thumbnails(folder), IMAGES.__getitem__)


class Scripts(HTMLParser):
    """The elements of a page that a browser would run or read."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "style", "meta"}:
            self.found.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.found:
            tag, attributes, text = self.found[-1]
            self.found[-1] = (tag, attributes, text + data)

    def handle_endtag(self, tag: str) -> None:
        self.found.append((f"after {tag}", {}, ""))


def scripts(page: str) -> list[tuple[str, dict[str, str | None], str]]:
    parser = Scripts()
    parser.feed(page)
    return parser.found


def data(page: str) -> Any:
    (text,) = (text for _, attributes, text in scripts(page) if attributes.get("type") == "application/json")
    return json.loads(text)


def test_a_page_holds_its_data_whatever_the_texts_say(tmp_path: Path) -> None:
    page = sheet(*IMAGES, prompt=EVIL)
    html = "".join(sheet_page(page, album(page, tmp_path), lambda _: None))
    assert data(html)["prompts"] == [EVIL]
    assert html.count("<script") == 3
    assert "<title>&lt;/script&gt;" in html


def test_the_policy_names_exactly_the_style_and_script_that_the_page_has(tmp_path: Path) -> None:
    page = sheet(*IMAGES)
    found = scripts("".join(sheet_page(page, album(page, tmp_path), lambda _: None)))
    (policy,) = (meta["content"] for _, meta, _ in found if meta.get("http-equiv") == "Content-Security-Policy")
    inline = [
        text for tag, attributes, text in found if tag in {"style", "script"} and "type" not in attributes and text
    ]
    assert len(inline) == 2
    for text in inline:
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in str(policy)


def test_thumbnails_stand_in_the_page_in_the_order_of_its_pictures(tmp_path: Path) -> None:
    page = sheet(*IMAGES, *IMAGES)
    made = album(page, tmp_path)
    html = "".join(sheet_page(page, made, lambda _: None))
    (bundle,) = (text for _, attributes, text in scripts(html) if attributes.get("type") == "text/plain")
    assert [base64.b64decode(line) for line in bundle.split("\n") if line] == list(made.files.values())
    assert [tile["image"]["small"] for tile in data(html)["tiles"]] == [0, 1, 2, 0, 1, 2]


def test_digests_in_parameters_are_shortened(tmp_path: Path) -> None:
    page = sheet(*IMAGES)
    html = "".join(sheet_page(page, album(page, tmp_path), lambda _: None))
    assert data(html)["params"][0] == [["mask", f'["{next(iter(IMAGES))[:19]}…"]', True]]


def test_the_same_images_make_the_same_page(tmp_path: Path) -> None:
    page = sheet(*IMAGES)
    written = []
    for name in ("one", "two"):
        write_file(tmp_path / name / "page.html", page, album(page, tmp_path / name), tmp_path / "outputs", tmp_path)
        written.append((tmp_path / name / "page.html").read_bytes())
    assert written[0] == written[1]


def test_an_image_that_cannot_be_had_says_why_in_its_place(tmp_path: Path) -> None:
    lost, broken, whole = IMAGES

    def read(blob: str) -> bytes:
        if blob == lost:
            raise MissingError("it was lost")
        return b"no image" if blob == broken else IMAGES[blob]

    made = make_album(sheet(*IMAGES), Thumbnails(tmp_path), read)
    assert list(made.missing.values()) == ["it was lost", "its bytes cannot be read as an image"]
    assert list(made.files) == [whole]


def test_a_page_links_images_only_from_within_the_project(tmp_path: Path) -> None:
    picture = Picture(blob="b", path="a b/#1?%.png")
    inside = link_from(tmp_path / "pages", tmp_path / "outputs/s", tmp_path)
    assert inside(picture) == "../outputs/s/a%20b/%231%3F%25.png"
    assert inside(Picture(blob="b")) is None
    assert link_from(tmp_path.parent, tmp_path / "outputs/s", tmp_path)(picture) is None


def test_a_folder_is_whole_and_changes_only_where_images_change(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    first, second, third = IMAGES
    page = sheet(first, second)
    write_folder(folder, page, album(page, tmp_path), IMAGES.__getitem__)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.*") if path.parent != folder}
    assert sorted(path.suffix for path in before) == [".png", ".png", ".webp", ".webp"]
    (folder / "images/mine.png").write_bytes(b"not of this page")
    for path in before:
        os.utime(path, ns=(1, 1))

    page = sheet(first, third)
    write_folder(folder, page, album(page, tmp_path), IMAGES.__getitem__)
    after = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.*") if path.parent != folder}
    assert sorted(after) == sorted(
        [f"{blob[7:39]}{suffix}" for blob in (first, third) for suffix in (".png", ".webp")] + ["mine.png"]
    )
    assert sorted(name for name, when in after.items() if when == 1) == [f"{first[7:39]}.png", f"{first[7:39]}.webp"]
    for tile in data((folder / "index.html").read_text("utf-8"))["tiles"]:
        assert (folder / tile["image"]["href"]).is_file()


def test_thumbnails_for_markdown_are_files_in_a_folder_or_names_at_a_url(tmp_path: Path) -> None:
    made = album(sheet(*IMAGES), tmp_path)
    linked = link_thumbnails(made, str(tmp_path / "small pictures"))
    assert all(re.fullmatch(r".*/small%20pictures/[0-9a-f]{32}\.webp", url) for url in linked.values())
    assert len(list((tmp_path / "small pictures").iterdir())) == 3
    assert link_thumbnails(made, "https://example.org/x/").popitem()[1].startswith("https://example.org/x/")


def row(blob: str, file: bytes) -> LockRow:
    return LockRow(
        address="a",
        key=None,
        request_digest=None,
        seed=None,
        provider="p",
        model="m",
        params={},
        defaults=(),
        revision=1,
        sample=1,
        schema_digest="s",
        inputs={},
        outputs=(LockedOutput(index=1, path="a.png", blob=blob, file=digest(file)),),
    )


@pytest.fixture
def originals(tmp_path: Path) -> Originals:
    return Originals(Blobs(tmp_path / "store"), tmp_path / "outputs", [row("sha256:" + "1" * 64, b"delivered")])


def test_an_image_comes_from_its_file_where_the_store_has_lost_it(tmp_path: Path, originals: Originals) -> None:
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs/a.png").write_bytes(b"delivered")
    assert originals.read("sha256:" + "1" * 64) == b"delivered"


def test_a_modified_file_is_not_taken_for_the_image(tmp_path: Path, originals: Originals) -> None:
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs/a.png").write_bytes(b"modified")
    with pytest.raises(MissingError, match="was modified"):
        originals.read("sha256:" + "1" * 64)


def test_an_image_that_is_nowhere_says_so(originals: Originals) -> None:
    for blob in ("sha256:" + "1" * 64, "sha256:" + "2" * 64, ""):
        with pytest.raises(MissingError, match="on this machine"):
            originals.read(blob)


def test_a_published_image_is_the_one_delivered_with_its_provenance(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "store")
    blob = blobs.put(b"received")
    originals = Originals(blobs, tmp_path, [row(blob, b"delivered")])
    assert originals.delivered(blob) == b"received"
    (tmp_path / "a.png").write_bytes(b"delivered")
    assert originals.delivered(blob) == b"delivered"
    assert originals.read(blob) == b"received"


def test_what_an_image_is_made_from_is_read_from_the_project_where_it_is_still_that(tmp_path: Path) -> None:
    root, outside = tmp_path / "project", tmp_path / "secret.png"
    root.mkdir()
    for path, shade in ((root / "in.png", 10), (root / "changed.png", 20), (outside, 30)):
        path.write_bytes(png(shade))
    ours, changed, secret = IMAGES
    (root / "changed.png").write_bytes(b"another")
    sources = {ours: "in.png", changed: "changed.png", secret: "../secret.png"}
    inputs = tuple(Picture(blob=blob, caption=source) for blob, source in sources.items())
    page = sheet("sha256:" + "1" * 64)
    page = replace(page, tiles=(replace(page.tiles[0], inputs=inputs),))
    read = with_inputs(lambda _: b"as before", page, root)
    assert [read(blob) for blob in (*sources, "another")] == [png(10), b"as before", b"as before", b"as before"]


def test_what_an_image_is_made_from_stands_small_beside_it(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("RGB", (400, 200), (1, 2, 3)).save(out, "PNG")
    shown, source = IMAGES[next(iter(IMAGES))], out.getvalue()
    page = sheet(digest(shown))
    page = replace(page, tiles=(replace(page.tiles[0], inputs=(Picture(blob=digest(source), caption="in.png"),)),))
    made = make_album(page, Thumbnails(tmp_path), {digest(shown): shown, digest(source): source}.__getitem__)
    assert list(made.files) == [digest(shown), digest(source)]
    assert made.size(digest(source)) == (160, 80)
    html = "".join(sheet_page(page, made, lambda _: None))
    (told,) = data(html)["tiles"][0]["inputs"]
    assert (told["caption"], told["small"]) == ("in.png", 1)

import io
import random
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from specrun.canonical import digest
from specrun.imaging import ImageError
from specrun.store.thumbnails import Thumbnails, most_bytes, thumbnail


def png(size: tuple[int, int] = (64, 32), mode: str = "RGB", colour: object = (200, 30, 30), **save: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, "PNG", **save)  # type: ignore[arg-type] # colours differ by mode
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image


@pytest.mark.parametrize(
    ("size", "small"), [((400, 100), (100, 25)), ((100, 400), (25, 100)), ((40, 30), (40, 30)), ((4000, 1), (100, 1))]
)
def test_a_thumbnail_keeps_the_proportion_and_is_never_larger_than_its_image(
    size: tuple[int, int], small: tuple[int, int]
) -> None:
    image = opened(thumbnail(png(size), 100))
    assert image.format == "WEBP"
    assert image.size == small


def test_what_is_transparent_stays_transparent() -> None:
    assert opened(thumbnail(png(mode="RGBA", colour=(0, 0, 0, 0)), 16)).getpixel((2, 2))[3] == 0  # type: ignore[index]


def test_sixteen_bits_of_grey_are_scaled_not_cut() -> None:
    (red, green, blue) = opened(thumbnail(png(mode="I;16", colour=0x80FF), 16)).getpixel((2, 2))  # type: ignore[misc]
    assert all(abs(value - 128) < 4 for value in (red, green, blue))


def test_a_photo_that_says_how_it_was_held_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert opened(thumbnail(png((64, 32), exif=exif), 64)).size == (32, 64)


def test_metadata_does_not_come_along() -> None:
    small = thumbnail(png(exif=Image.Exif()), 16)
    assert b"EXIF" not in small
    assert b"XMP" not in small


def test_a_thumbnail_is_made_once(tmp_path: Path) -> None:
    thumbnails, data = Thumbnails(tmp_path), png()
    read: list[bytes] = []

    def original() -> bytes:
        read.append(data)
        return data

    made = [thumbnails.get(digest(data), 16, original) for _ in range(3)]
    assert len(set(made)) == 1
    assert read == [data]
    assert thumbnails.get(digest(data), 32, original) != made[0]
    assert len(list(tmp_path.rglob("*.webp"))) == 2


def test_a_torn_thumbnail_is_made_again(tmp_path: Path) -> None:
    thumbnails, data = Thumbnails(tmp_path), png()
    whole = thumbnails.get(digest(data), 16, lambda: data)
    (path,) = tmp_path.rglob("*.webp")
    for torn in (b"", whole[:40], b"\0" * len(whole)):
        path.write_bytes(torn)
        assert thumbnails.get(digest(data), 16, lambda: data) == whole
        assert path.read_bytes() == whole


def test_a_folder_that_cannot_be_written_to_is_no_fault(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    data = png()
    assert Thumbnails(blocked).get(digest(data), 16, lambda: data).startswith(b"RIFF")


def test_bytes_that_are_no_image_raise(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be decoded"):
        Thumbnails(tmp_path).get("sha256:" + "0" * 64, 16, lambda: b"not an image")


@pytest.mark.parametrize("edge", [64, 320])
def test_a_thumbnail_keeps_its_budget_however_full_of_detail_its_image_is(edge: int) -> None:
    noise = random.Random(7).randbytes(400 * 300 * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", (400, 300), noise).save(out, "PNG")
    small = thumbnail(out.getvalue(), edge)
    assert len(small) <= most_bytes(edge) <= max(1024, 8 * 1024 * edge // 320)
    width, height = opened(small).size
    assert width > edge / 3
    assert width / height == pytest.approx(4 / 3, abs=0.05)


def test_a_large_colour_profile_is_applied_and_left_out_and_a_small_one_comes_along() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    small = opened(thumbnail(png(icc_profile=profile + b"\0" * 1000), 32))
    assert "icc_profile" not in small.info
    assert all(abs(a - b) < 6 for a, b in zip(small.convert("RGB").getpixel((8, 8)), (200, 30, 30), strict=True))  # type: ignore[arg-type]
    assert opened(thumbnail(png(icc_profile=profile), 32)).info.get("icc_profile") == profile
    assert "icc_profile" not in opened(thumbnail(png(icc_profile=b"none" * 400), 32)).info

"""Images are decoded whole, and are what their bytes say."""

import contextlib
import io
import os
import struct
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from hostile_images import gif_of_frames, grey_png, jpeg_of_scans, png_of_chunks
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from specrun import apart
from specrun.canonical import digest
from specrun.image_structure import cut_off
from specrun.imaging import MOST_PIXELS, DecodedImage, ImageError, UndecodedError, decode_image, is_heavy
from specrun.media_type import media_type


def encoded(kind: str, *, frames: int = 1, mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> bytes:
    pictures = [Image.linear_gradient("L").resize(size).rotate(90 * turn).convert(mode) for turn in range(frames)]
    buffer = io.BytesIO()
    if frames > 1:
        pictures[0].save(buffer, kind, save_all=True, append_images=pictures[1:])
    else:
        pictures[0].save(buffer, kind)
    return buffer.getvalue()


KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif", "AVIF": "image/avif"}


@pytest.mark.parametrize(("kind", "expected"), KINDS.items())
@pytest.mark.parametrize("frames", [1, 3])
def test_every_kind_is_decoded_with_all_its_frames(kind: str, expected: str, frames: int) -> None:
    data = encoded(kind, frames=frames if kind != "JPEG" else 1)
    image = decode_image(data)
    assert image == DecodedImage(
        data=data,
        digest=digest(data),
        media_type=expected,
        extension=expected.removeprefix("image/").replace("jpeg", "jpg"),
        width=40,
        height=30,
    )
    assert media_type(data) == expected


def test_a_jpeg_with_more_pictures_behind_it_is_a_jpeg() -> None:
    image = decode_image(encoded("MPO", frames=2))
    assert (image.media_type, image.extension) == ("image/jpeg", "jpg")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_depth_of_png_is_decoded(mode: str) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (9, 7)).save(buffer, "PNG")
    assert decode_image(buffer.getvalue()).width == 9


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_that_breaks_off_anywhere_is_refused(kind: str) -> None:
    data = encoded(kind)
    # The last bytes of some formats carry nothing that a decoder needs.
    for length in range(0, len(data) - 4, max(1, len(data) // 100)):
        with pytest.raises(ImageError):
            decode_image(data[:length])


def test_a_wrong_checksum_anywhere_in_a_png_is_noticed() -> None:
    data = encoded("PNG")
    place = data.index(b"IDAT")
    (length,) = struct.unpack(">I", data[place - 4 : place])
    checksum = place + 4 + length
    damaged = data[:checksum] + bytes([data[checksum] ^ 1]) + data[checksum + 1 :]
    with pytest.raises(ImageError, match="starts like image/png, but is broken or incomplete"):
        decode_image(damaged)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"<html>", "is not a PNG, JPEG, WebP, GIF or AVIF image"),
        (b'{"error": "x"}', "is not a PNG"),
        (b"%PDF-1.7", "is not a PNG"),
        (b"\x89PNG\r\n\x1a\n", "starts like image/png"),
        (b"\x89PNG\n\x1a\n" + encoded("PNG")[8:], "is not a PNG"),
        (encoded("TIFF"), "is not a PNG"),
        (encoded("BMP"), "is not a PNG"),
    ],
    ids=["nothing", "a page", "json", "pdf", "a signature", "line breaks changed", "tiff", "bmp"],
)
def test_what_is_no_image_is_refused_in_words(data: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        decode_image(data)


def png_of(width: int, height: int, pixels: bytes) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(8193, 8192), (10_000, 10_000), (60_000, 60_000)], ids=str)
def test_a_bomb_is_refused_by_its_size(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match=f"has more than {MOST_PIXELS:,} pixels"):
        decode_image(png_of(*size, zlib.compress(bytes(1 << 20))))


def test_a_bomb_of_many_frames_is_refused() -> None:
    frames = [Image.new("1", (4000, 4000), turn % 2) for turn in range(6)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match="has more than"):
        decode_image(buffer.getvalue())


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@given(st.sampled_from([*map(encoded, KINDS), encoded("PNG", frames=2), encoded("GIF", frames=2)]), st.data())
def test_damage_of_any_kind_gives_an_image_or_a_reason(data: bytes, draw: st.DataObject) -> None:
    damaged = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 6))):
        damaged[draw.draw(st.integers(0, min(len(data), 400) - 1))] = draw.draw(st.integers(0, 255))
    with contextlib.suppress(ImageError):
        image = decode_image(bytes(damaged))
        assert image.width * image.height <= MOST_PIXELS


HOSTILE = {
    "a JPEG of many scans": jpeg_of_scans(400, side=2000),
    "a PNG of many chunks": png_of_chunks(200_000),
    "a GIF of many frames": gif_of_frames(400_000),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_what_takes_too_long_is_ended(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_MOST_CPU", 1)
    assert is_heavy(data)
    with pytest.raises(ImageError, match="takes more than 1 s, or 352 MiB, to decode"):
        decode_image(data)


def test_what_is_being_decoded_can_be_ended_by_another_thread() -> None:
    with ThreadPoolExecutor() as threads:
        found = threads.submit(decode_image, HOSTILE["a GIF of many frames"])
        while not found.done():
            apart.end_all()
            wait([found], timeout=0.05)
    with pytest.raises(UndecodedError):
        found.result()


def test_a_side_that_no_other_format_could_say_is_refused_at_once() -> None:
    with pytest.raises(ImageError, match="has a side of more than 65,535 pixels"):
        decode_image(grey_png(1, 1 << 20))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems bound no process's data")
def test_memory_is_bounded_where_images_are_decoded() -> None:
    with pytest.raises(apart.ApartError, match="takes more than 352 MiB to decode"):
        apart.apart(much_memory, [b""], result=int)


def much_memory(_data: bytes) -> int:
    return len(bytearray(400 << 20))


def test_no_key_is_in_the_environment_where_images_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELVERSE_API_KEY", "sk-canary")
    names = apart.apart(environment, [b""], result=list[str])
    assert "PATH" in names
    assert "MODELVERSE_API_KEY" not in names


def environment(_data: bytes) -> list[str]:
    return list(os.environ)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_images_of_usual_size_need_no_process_of_their_own(kind: str) -> None:
    assert not is_heavy(encoded(kind, size=(1024, 1024)))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_small_needs_no_process_of_its_own_broken_or_not(kind: str) -> None:
    data = encoded(kind, frames=1 if kind == "JPEG" else 3)
    assert not is_heavy(data)
    assert not is_heavy(data[: len(data) // 2])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frames", [1, 3])
def test_whole_images_are_not_taken_for_cut_off_ones(kind: str, frames: int) -> None:
    data = encoded(kind, frames=frames if kind != "JPEG" else 1)
    assert not cut_off(data, KINDS[kind])
    assert not cut_off(data + b"what some programs leave behind", KINDS[kind])


@pytest.mark.parametrize("kind", KINDS)
@given(share=st.floats(0.05, 0.95))
def test_images_that_break_off_are_seen_to_without_decoding(kind: str, share: float) -> None:
    data = encoded(kind)
    assert cut_off(data[: int(len(data) * share)], KINDS[kind])


def test_a_thumbnail_in_a_cut_off_jpeg_does_not_make_it_whole() -> None:
    exif = Image.Exif()
    exif[0x010E] = "\xff\xd9 " + encoded("JPEG").decode("latin-1")
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(buffer, "JPEG", exif=exif)
    data = buffer.getvalue()
    assert not cut_off(data, "image/jpeg")
    assert cut_off(data[:-200], "image/jpeg")

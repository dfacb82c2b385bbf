import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from specrun.server.render.deflate import LITERALS, WIDEST, deflate_rows
from specrun.server.render.png import encode_png

GREYS = [(tone, tone, tone) for tone in range(LITERALS)]


@st.composite
def pictures(draw: st.DrawFn) -> Image.Image:
    """Pictures of runs and of stretches repeated from the row above, which is what the encoder looks for."""
    width, height = draw(st.integers(1, 400)), draw(st.integers(1, 12))
    pixels = bytearray()
    while len(pixels) < width * height:
        length = draw(st.sampled_from([1, 2, 3, 4, 10, 11, 18, 19, 20, 100, 258, 259, 260, 261, 520, 1000]))
        if draw(st.booleans()) and len(pixels) >= width:
            pixels += pixels[-width:][:length]
        else:
            pixels += bytes([draw(st.integers(0, LITERALS - 1))]) * length
    return Image.frombytes("L", (width, height), bytes(pixels[: width * height]))


def rows(image: Image.Image) -> bytes:
    pixels = image.tobytes()
    return b"".join(b"\0" + pixels[at : at + image.width] for at in range(0, len(pixels), image.width))


@given(pictures())
def test_what_is_deflated_inflates_to_the_same_rows(image: Image.Image) -> None:
    assert zlib.decompress(deflate_rows(image), -15) == rows(image)


@pytest.mark.parametrize("width", [1, 2, 3, 15, 16, 17, 31, 32, 33, 255, 256, 511, 4095, 4096, 8191, WIDEST])
def test_every_distance_to_the_row_above_can_be_encoded(width: int) -> None:
    row = bytes(at % 7 * 31 for at in range(width))
    image = Image.frombytes("L", (width, 3), row * 3)
    assert zlib.decompress(deflate_rows(image), -15) == rows(image)


def test_even_areas_and_repeated_rows_take_little_room() -> None:
    even = Image.new("L", (1024, 1024), 7)
    striped = Image.frombytes("L", (1024, 1024), bytes(at * 37 % LITERALS for at in range(1024)) * 1024)
    assert len(deflate_rows(even)) < 32_000
    assert len(deflate_rows(striped)) < 32_000


def test_a_png_opens_with_its_colours_and_texts() -> None:
    image = Image.frombytes("L", (3, 2), bytes([0, 1, 2, 200, 201, 231]))
    texts = {"Title": "一只猫", "Description": "two\nlines"}
    with Image.open(io.BytesIO(encode_png(image, GREYS, texts))) as opened:
        opened.verify()
    with Image.open(io.BytesIO(encode_png(image, GREYS, texts))) as opened:
        assert opened.format == "PNG"
        assert opened.convert("L").tobytes() == image.tobytes()
        assert {name: str(opened.info[name]) for name in texts} == texts


def test_no_library_compresses_a_png(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> bytes:
        raise AssertionError("the machine's zlib decides about bytes")

    monkeypatch.setattr(zlib, "compress", refuse)
    monkeypatch.setattr(zlib, "compressobj", refuse)
    assert encode_png(Image.new("L", (8, 8)), GREYS, {}).startswith(b"\x89PNG")

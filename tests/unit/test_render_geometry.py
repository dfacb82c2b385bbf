import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from specrun.server.engine import ImageRequest
from specrun.server.render.geometry import megapixel, picture_size


def size(*inputs: tuple[int, int], **params: str) -> tuple[int, int]:
    images = tuple(Image.new("RGB", each) for each in inputs)
    return picture_size(ImageRequest(model="m", params={"prompt": "p", **params}, inputs=images))


def test_a_size_is_taken_as_it_is() -> None:
    assert size(size="256x1536") == (256, 1536)
    assert size((10, 900), size="777x501") == (777, 501)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [("1:1", (1024, 1024)), ("16:9", (1360, 768)), ("9:16", (768, 1360)), ("21:9", (1568, 672)), ("3:2", (1248, 832))],
)
def test_a_ratio_gives_about_a_megapixel_in_steps_of_16(ratio: str, expected: tuple[int, int]) -> None:
    assert size(aspect_ratio=ratio) == expected


def test_an_edit_without_geometry_follows_its_first_image() -> None:
    assert size((600, 900), (900, 600)) == size(aspect_ratio="2:3")


def test_without_any_geometry_a_picture_is_square() -> None:
    assert size() == (1024, 1024)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_ratio_gives_a_picture_that_cannot_be_drawn(width: int, height: int) -> None:
    assert all(64 <= side <= 4096 for side in megapixel(width, height))

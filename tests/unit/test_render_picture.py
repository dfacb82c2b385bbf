import hashlib
import io
import os
import subprocess
import sys

import pytest
from msgspec.structs import replace
from PIL import Image

from specrun.canonical import Json
from specrun.server.engine import ImageRequest
from specrun.server.render.glyphs import text_mask
from specrun.server.render.picture import draw

FLUX = "black-forest-labs/FLUX.1-dev"

# One prompt for each motif. A digest that moves is a picture that moves in every user's outputs: see CHANGELOG first.
DIGESTS = {
    "a mountain lake": "8060714674186451",
    "a planet with rings": "728be46c55cfae3c",
    "a city street": "d8313d3f6a6a7016",
    "a sunflower": "ac5fe33655241020",
    "the sea": "48496daf2b230a4f",
    "a cathedral": "4bf61d605136a1e4",
    "a vase and a cup": "7d7712971f3c7ccb",
    "a portrait": "f9a3e20cdf7fe197",
    "red silk": "ffcf721c13e76192",
    "a bauhaus poster": "2d8216cc871730e7",
    "a map": "9ce800719b447a16",
}


def asked(prompt: str = "a bridge in fog", /, **params: Json) -> ImageRequest:
    usual: dict[str, Json] = {
        "prompt": prompt,
        "n": 1,
        "seed": 1,
        "size": "256x256",
        "steps": 28,
        "guidance_scale": 2.5,
    }
    return ImageRequest(model=FLUX, params=usual | params)


def edit(*inputs: Image.Image, **params: Json) -> ImageRequest:
    return replace(asked(**params), inputs=inputs)


def pixels(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


def photo(colour: tuple[int, int, int] = (200, 30, 30)) -> Image.Image:
    """Return an image with a colour that no ramp has."""
    image = Image.new("RGB", (120, 80), colour)
    image.paste((20, 220, 60), (30, 20, 90, 60))
    return image


def share_of(colour: tuple[int, int, int], image: Image.Image) -> float:
    near = [sum(abs(a - b) for a, b in zip(pixel, colour, strict=True)) < 24 for pixel in rgb(image)]
    return sum(near) / len(near)


def rgb(image: Image.Image) -> list[tuple[int, int, int]]:
    data = image.tobytes()
    return list(zip(data[::3], data[1::3], data[2::3], strict=True))


@pytest.mark.parametrize(("prompt", "digest"), DIGESTS.items())
def test_a_picture_is_the_same_for_ever(prompt: str, digest: str) -> None:
    assert hashlib.sha256(draw(asked(prompt), 1)).hexdigest()[:16] == digest


def test_a_picture_does_not_depend_on_the_process_that_draws_it() -> None:
    source = (
        "import hashlib, sys\n"
        "from specrun.server.engine import ImageRequest\n"
        "from specrun.server.render.picture import draw\n"
        "params = {'prompt': 'ein Turm, 塔', 'seed': 7, 'size': '320x256', 'steps': 12}\n"
        "print(hashlib.sha256(draw(ImageRequest(model='m', params=params), 1)).hexdigest())\n"
    )
    environments = [
        {"PYTHONHASHSEED": "1", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "2", "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo"},
    ]
    drawn = {
        subprocess.run([sys.executable, "-c", source], env=os.environ | env, capture_output=True, check=True).stdout
        for env in environments
    }
    assert len(drawn) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "a bridge in the sun"},
        {"seed": 2},
        {"steps": 4},
        {"guidance_scale": 9},
        {"negative_prompt": "blur"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_every_parameter_changes_the_picture_itself(other: dict[str, Json]) -> None:
    assert changed(asked(size="512x512"), asked(**{"size": "512x512", **other})) > 0.02


def test_model_and_inputs_change_the_picture_itself() -> None:
    usual = asked(size="512x512")
    assert changed(usual, ImageRequest(model="stepfun-ai/Step1X-Edit", params=usual.params)) > 0.02
    assert changed(usual, edit(photo(), size="512x512")) > 0.1


def changed(before: ImageRequest, after: ImageRequest) -> float:
    """Return the share of pixels that differ above the strip, which would tell anyway."""
    a, b = (rgb(pixels(draw(request, 1)).crop((0, 0, 512, 420))) for request in (before, after))
    return sum(one != other for one, other in zip(a, b, strict=True)) / len(a)


def test_the_images_of_one_request_differ() -> None:
    request = asked(n=3)
    assert len({draw(request, index) for index in (1, 2, 3)}) == 3


def test_a_hundred_prompts_give_a_hundred_pictures() -> None:
    assert len({draw(asked(f"thing {number}", size="64x64"), 1) for number in range(100)}) == 100


@pytest.mark.parametrize("size", ["64x64", "256x256", "1000x701", "256x1536", "1536x256"])
def test_a_picture_has_the_size_asked_for(size: str) -> None:
    width, height = map(int, size.split("x"))
    assert pixels(draw(asked("x " * 500, size=size), 1)).size == (width, height)


def test_an_input_takes_the_more_room_the_less_strength_there_is() -> None:
    shares = [
        share_of((20, 220, 60), pixels(draw(edit(photo(), size="512x512", strength=strength), 1)))
        for strength in (0, 0.4, 0.8, 1)
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.08
    assert shares[-1] > 0.02


def test_all_inputs_are_part_of_the_picture() -> None:
    colours = [(250, 10, 10), (10, 250, 10), (10, 10, 250), (250, 10, 250), (10, 250, 250)]
    picture = pixels(draw(edit(*(Image.new("RGB", (50, 40), colour) for colour in colours)), 1))
    assert all(share_of(colour, picture) > 0.01 for colour in colours)


def test_the_mark_stands_in_the_picture_and_in_its_metadata() -> None:
    data = draw(asked(size="1024x1024"), 1)
    with Image.open(io.BytesIO(data)) as image:
        assert "no image model has made this picture" in image.info["Disclaimer"]
        assert image.info["Source"] == FLUX
        assert image.info["Description"] == "a bridge in fog"
    mark = text_mask("SANDBOX", 3)
    strip = pixels(data).crop((0, 1024 - 132, 240, 1024))
    light = strip.convert("L").point([0] * 160 + [255] * 96)
    assert any(
        light.crop((x, y, x + mark.width, y + mark.height)).tobytes().count(255) > mark.tobytes().count(255)
        for x in range(0, 24, 4)
        for y in range(0, 84, 4)
    )


def test_strange_parameters_are_drawn_all_the_same() -> None:
    strange = asked("", seed=None, size="no size", steps=10**9, guidance_scale=-5, strength=7, aspect_ratio="0:0")
    assert pixels(draw(strange, 1)).size == (1024, 1024)

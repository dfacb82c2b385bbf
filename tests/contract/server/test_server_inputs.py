import base64
import io
import struct
import zlib
from typing import Any

import pytest
from api_server import FLUX, InProcess, image_of
from PIL import Image

from specrun.catalog.models import Catalog
from specrun.server.app import create_app
from specrun.server.inputs import LARGEST_SIDE, decode_input, largest_side
from specrun.server.settings import Settings

EDIT = "black-forest-labs/Flux-Kontext-Pro"
SEVERAL = "black-forest-labs/Flux-Kontext-Pro-multi"
TEAL = (0, 128, 128)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


PHOTO = encoded(Image.effect_noise((60, 40), 50).convert("RGB"))
TEXT = base64.b64encode(PHOTO).decode()


def edited(sandbox: InProcess, image: str) -> bytes:
    body = {"model": EDIT, "prompt": "x", "image": image, "seed": 1, "response_format": "b64_json"}
    reply = sandbox.generate(body)
    assert reply.status_code == 200, reply.text
    return base64.b64decode(reply.json()["data"][0]["b64_json"])


def refusal(sandbox: InProcess, image: str) -> str:
    reply = sandbox.generate({"model": EDIT, "prompt": "x", "image": image})
    assert reply.status_code == 400
    return str(reply.json()["error"]["message"])


@pytest.mark.parametrize(
    "text",
    [
        f"data:image/png;base64,{TEXT}",
        f"DATA:image/PNG;charset=x;BASE64,{TEXT}",
        TEXT.rstrip("="),
        TEXT.replace("+", "-").replace("/", "_"),
        "\r\n".join(TEXT[at : at + 76] for at in range(0, len(TEXT), 76)),
    ],
    ids=["data URL", "loud data URL", "no padding", "URL-safe alphabet", "line breaks"],
)
def test_every_way_to_write_base64_is_read(sandbox: InProcess, text: str) -> None:
    assert edited(sandbox, text) == edited(sandbox, TEXT)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
def test_every_kind_of_image_is_read(sandbox: InProcess, kind: str) -> None:
    data = encoded(Image.new("RGB", (90, 60), TEAL), kind)
    assert image_of(edited(sandbox, base64.b64encode(data).decode())).size == (1248, 832)


def bomb() -> bytes:
    """Return a PNG that says it is 100,000 pixels wide and high."""
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("photos/lamp.png", "neither an https URL nor base64"),
        ("data:image/png,raw", "a data URL that is not base64"),
        (base64.b64encode(b"hello").decode(), "is not a PNG, JPEG, WebP, GIF or AVIF image"),
        (base64.b64encode(PHOTO[:-40]).decode(), "broken or incomplete"),
        (base64.b64encode(bomb()).decode(), "pixels"),
        ("https://example.com/lamp.png", "this server fetches none"),
    ],
    ids=["path", "plain data URL", "text", "half an image", "bomb", "URL"],
)
def test_what_is_no_image_is_refused_with_its_place(sandbox: InProcess, image: str, said: str) -> None:
    message = refusal(sandbox, image)
    assert message.startswith("image ")
    assert said in message


def test_the_place_in_a_list_is_told(sandbox: InProcess) -> None:
    reply = sandbox.generate({"model": SEVERAL, "prompt": "x", "images": [TEXT, "nope"]})
    assert reply.json()["error"]["message"].startswith("images[1] ")


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost/a.png",
        "https://127.0.0.1:8443/a.png",
        "https://[::1]/a.png",
        "https://0x7f.1/a.png",
        "https://2130706433/a.png",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.7/a.png",
        "https://[::ffff:10.0.0.7]/a.png",
        "https://user@192.168.1.1/a.png",
    ],
)
def test_a_url_into_a_private_network_is_not_fetched(catalog: Catalog, url: str) -> None:
    message = refusal(InProcess(create_app(catalog, settings=Settings(fetches=True))), url)
    assert "is in a private network" in message


@pytest.mark.parametrize("url", ["http://example.com/a.png", "HTTP://example.com/a.png"])
def test_a_url_without_encryption_is_not_fetched(catalog: Catalog, url: str) -> None:
    assert "only https" in refusal(InProcess(create_app(catalog, settings=Settings(fetches=True))), url)


def test_a_host_that_does_not_exist_is_an_error_of_the_request(catalog: Catalog) -> None:
    message = refusal(InProcess(create_app(catalog, settings=Settings(fetches=True))), "https://nowhere.invalid/a.png")
    assert message == "image could not be fetched: its server cannot be reached"


def test_transparent_images_stand_on_white() -> None:
    clear = encoded(Image.new("RGBA", (4, 4), (255, 0, 0, 0)))
    assert decode_input(clear, "image").getpixel((0, 0)) == (255, 255, 255)


def test_sixteen_bit_greys_keep_their_tones() -> None:
    grey = encoded(Image.new("I;16", (4, 4), 0x8000))
    assert decode_input(grey, "image").getpixel((0, 0)) == (128, 128, 128)


def test_photos_are_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter
    assert decode_input(encoded(Image.new("RGB", (40, 20)), "JPEG", exif=exif), "image").size == (20, 40)


def test_large_images_are_scaled_down() -> None:
    large = encoded(Image.new("L", (2 * LARGEST_SIDE + 10, 30)))
    image = decode_input(large, "image")
    assert image.mode == "RGB"
    assert max(image.size) <= LARGEST_SIDE


def test_many_images_are_scaled_down_so_that_all_of_them_fit_into_memory() -> None:
    assert [largest_side(images) for images in (0, 1, 8)] == [LARGEST_SIDE] * 3
    assert all(3 * images * largest_side(images) ** 2 <= 3 * 8 * LARGEST_SIDE**2 for images in (9, 64, 10_000))
    large = encoded(Image.new("L", (LARGEST_SIDE, 30)))
    assert max(decode_input(large, "image", largest_side(64)).size) <= largest_side(64)


def test_a_request_with_too_many_images_is_refused_before_any_is_decoded(catalog: Catalog) -> None:
    sandbox = InProcess(create_app(catalog, settings=Settings(inputs=3)))
    body = {"model": SEVERAL, "prompt": "x", "images": [TEXT] * 3}
    assert sandbox.generate(body).status_code == 200
    reply = sandbox.generate(body | {"images": ["no image"] * 4})
    assert reply.status_code == 400
    assert "there are 4 input images; this server takes at most 3" in reply.json()["error"]["message"]


def test_an_optional_image_is_seen_by_a_model_that_also_works_without(sandbox: InProcess) -> None:
    body = {"model": FLUX, "prompt": "x", "seed": 1, "size": "256x256", "response_format": "b64_json"}
    without, with_image = sandbox.generate(body), sandbox.generate(body | {"image": TEXT, "strength": 0.2})
    assert without.json()["data"] != with_image.json()["data"]

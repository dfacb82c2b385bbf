"""What a run's parameters become on the wire, and what comes back of base64."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specrun.catalog.facts import Facts
from specrun.catalog.schema import ModelSchema
from specrun.imaging import ImageError
from specrun.model.inputs import FileImage, InputImage, OutputImage, UrlImage
from specrun.provider.base64_shapes import decode_base64
from specrun.provider.wire import request_body

PNG = b"\x89PNG\r\n\x1a\n..."
JPEG = b"\xff\xd8\xff..."


def model(**wire: str) -> ModelSchema:
    return ModelSchema(id="maker/model", path=Path("model.json"), schema={}, facts=Facts(wire=wire))


def read(image: InputImage) -> bytes:
    return JPEG if isinstance(image, UrlImage) else PNG


def test_parameters_go_out_under_the_names_that_the_service_gives_them() -> None:
    body = request_body(
        model(steps="num_inference_steps"),
        {"steps": 20, "prompt": "café 🦊", "seed": 7, "guidance_scale": 2.5},
        read=read,
        response_format="b64_json",
    )
    assert body.decode() == (
        '{"model":"maker/model","guidance_scale":2.5,"prompt":"café 🦊","seed":7,"num_inference_steps":20,'
        '"response_format":"b64_json"}'
    )


def test_without_a_response_format_none_is_asked_for() -> None:
    assert json.loads(request_body(model(), {"prompt": "x"}, read=read)) == {"model": "maker/model", "prompt": "x"}


def test_images_travel_as_data_urls_that_name_their_true_type() -> None:
    images = (
        FileImage(path="photo.jpg", digest="sha256:0"),
        UrlImage(url="https://example.com/x.png", digest="sha256:1"),
        OutputImage(address="a", key=None, index=1),
    )
    body = json.loads(request_body(model(), {"image": images[0], "images": images}, read=read))
    png = "data:image/png;base64," + base64.b64encode(PNG).decode()
    jpeg = "data:image/jpeg;base64," + base64.b64encode(JPEG).decode()
    assert body == {"model": "maker/model", "image": png, "images": [png, jpeg, png]}


def test_what_is_no_image_does_not_go_out() -> None:
    with pytest.raises(ImageError, match="is not a PNG"):
        request_body(model(), {"image": FileImage(path="x", digest="sha256:0")}, read=lambda _image: b"text")


@given(st.binary(max_size=200), st.integers(1, 80), st.booleans(), st.booleans(), st.booleans())
def test_base64_survives_whatever_is_done_to_its_shape(
    data: bytes, width: int, url_safe: bool, padded: bool, headed: bool
) -> None:
    text = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(data).decode()
    text = text if padded else text.rstrip("=")
    text = "\r\n".join(text[start : start + width] for start in range(0, len(text), width))
    assert decode_base64(f"data:image/png;base64,{text}" if headed else text) == data


@pytest.mark.parametrize(
    "text", ["a", "ab*d", "abcd\0", "日本", "ab=cd", "data:image/png;base64,?", "https://x.example"]
)
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_base64(text)

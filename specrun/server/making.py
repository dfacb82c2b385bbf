"""From a checked request to an answer: inputs in, images out, counted."""

import asyncio
import base64
import json
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from PIL import Image

from specrun.server.asked import Asked
from specrun.server.chaos import Trouble
from specrun.server.engine import Engine, ImageRequest
from specrun.server.errors import ApiError
from specrun.server.fetching import Fetcher
from specrun.server.inputs import decode_input, decode_text, given_images, is_url, largest_side
from specrun.server.meter import Meter
from specrun.server.queue import Queue
from specrun.server.results import Results
from specrun.server.settings import Settings

_DECODED_AT_ONCE = 2  # an image can take half a gigabyte while it is decoded


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON of an answer, and how many images were billed for it."""

    answer: bytes
    billed: int


class Maker:
    """Makes images for requests, so many at once; one a server."""

    def __init__(self, *, engine: Engine, results: Results, meter: Meter, settings: Settings) -> None:
        self._engine = engine
        self._results = results
        self._meter = meter
        self._seconds = settings.engine_seconds
        self._most_images = settings.images
        self._most_inputs = settings.inputs
        self._fetcher = Fetcher() if settings.fetches else None
        self._decoding = asyncio.Semaphore(_DECODED_AT_ONCE)
        self._queue = Queue(running=settings.running, waiting=settings.waiting)

    async def make(self, asked: Asked, result_base: str, trouble: Trouble | None) -> Made:
        """Make images and word the answer; result files are at `result_base` and their names. Raises `ApiError`."""
        async with self._queue.place():
            images = await self._images(asked.request(await self._inputs(asked)))
        images = _spoiled(images, trouble)
        items = [self._item(image, result_base if asked.as_url else None, trouble) for image in images]
        self._meter.bill(len(items))
        document = {"created": int(time.time()), "data": items, "usage": {"input_tokens_details": {}}}
        return Made(answer=json.dumps(document).encode(), billed=len(items))

    async def _images(self, request: ImageRequest) -> Sequence[bytes]:
        if request.count > self._most_images:
            raise ApiError(f"n is {request.count}; this server makes at most {self._most_images} images a request")
        fault = self._engine.fault(request)
        if fault is not None:
            raise ApiError(fault, code="model_error")
        try:
            async with asyncio.timeout(self._seconds):
                return await self._engine.images(request)
        except TimeoutError:
            raise ApiError(
                f"the images were not made within {self._seconds:g} s",
                status=HTTPStatus.GATEWAY_TIMEOUT,
                type_="gateway_timeout_error",
                code="gateway_timeout_error",
            ) from None

    async def _inputs(self, asked: Asked) -> list[Image.Image]:
        given = list(given_images(asked.model, asked.body))
        if len(given) > self._most_inputs:
            raise ApiError(f"there are {len(given):,} input images; this server takes at most {self._most_inputs:,}")
        return [await self._input(place, text, largest_side(len(given))) for place, text in given]

    async def _input(self, place: str, text: str, side: int) -> Image.Image:
        if not is_url(text):
            data = decode_text(text, place)
        elif self._fetcher is not None:
            data = await self._fetcher.fetch(text, place)
        else:
            raise ApiError(f"{place} is a URL, and this server fetches none; send the image as base64 data")
        async with self._decoding:
            return await asyncio.to_thread(decode_input, data, place, side)

    def _item(self, image: bytes, result_base: str | None, trouble: Trouble | None) -> dict[str, Any]:
        if result_base is None:
            return {"b64_json": base64.b64encode(image).decode()}
        name = self._results.put(image)
        if trouble is Trouble.EXPIRED_URL:
            self._results.expire(name)
        return {"url": result_base + name}


def _spoiled(images: Sequence[bytes], trouble: Trouble | None) -> Sequence[bytes]:
    """Return images as a rehearsed trouble leaves them."""
    match trouble:
        case Trouble.PARTIAL:
            return images[:-1]
        case Trouble.BROKEN_IMAGE:
            return [image[: len(image) // 2] for image in images]
        case _:
            return images

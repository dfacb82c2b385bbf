"""How large a picture a request asks for."""

import re
from math import isqrt

from specrun.server.engine import ImageRequest

_AREA = 1024 * 1024
_STEP = 16  # pixels that sides are multiples of, where only a ratio is given
_SMALLEST, _LARGEST = 64, 4096
_PAIR = re.compile(r"\s*([0-9]{1,6})\s*[xX*:]\s*([0-9]{1,6})\s*")
_NAMED = {"1K": 1024, "2K": 2048, "4K": 4096}


def picture_size(request: ImageRequest) -> tuple[int, int]:
    """Return width and height: the `size` asked for; else about a megapixel in the ratio asked for, or the input's."""
    size = request.text("size")
    if size is not None and size.upper() in _NAMED:
        side = _NAMED[size.upper()]
        return side, side
    if size is not None and (pair := _PAIR.fullmatch(size)):
        return _bounded(int(pair[1])), _bounded(int(pair[2]))
    if (ratio := request.text("aspect_ratio")) is not None and (pair := _PAIR.fullmatch(ratio)):
        return megapixel(int(pair[1]), int(pair[2]))
    if request.inputs:
        return megapixel(*request.inputs[0].size)
    return megapixel(1, 1)


def megapixel(width: int, height: int) -> tuple[int, int]:
    """Return sides in the ratio of `width` to `height`, multiples of 16, that make about a megapixel together."""
    width, height = max(1, width), max(1, height)
    return _side(isqrt(_AREA * width // height)), _side(isqrt(_AREA * height // width))


def _side(pixels: int) -> int:
    return _bounded((pixels + _STEP // 2) // _STEP * _STEP)


def _bounded(pixels: int) -> int:
    return max(_SMALLEST, min(_LARGEST, pixels))

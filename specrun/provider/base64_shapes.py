"""Base64 as servers really write it."""

import base64
import re
from typing import Final

import pybase64

# A data URL's head: `data:image/png;base64,`, perhaps with parameters.
_HEAD: Final = re.compile(r"data:[^,]{0,200},", re.IGNORECASE)
_SPACES: Final = re.compile(r"\s+")
_URL_SAFE: Final = str.maketrans("-_", "+/")


def decode_base64(text: str) -> bytes:
    """Return the bytes of base64 text: with or without a `data:` head, line breaks, padding, in either alphabet.

    Raises `ValueError` where it is not base64 in any of these shapes.
    """
    head = _HEAD.match(text)
    body = text[head.end() :] if head else text
    try:
        return pybase64.b64decode(body, validate=True)
    except ValueError:
        # Not the plain shape, which needs no copy of what may be many megabytes.
        letters = _SPACES.sub("", body).rstrip("=").translate(_URL_SAFE)
        return base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)

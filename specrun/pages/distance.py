"""How far apart two images are at a glance: by their colours, place for place, with fine detail left out."""

import io
from typing import Final

from PIL import Image

from specrun.verify.likeness import colour_distance

# Small enough that noise and grain are gone, large enough that what moved shows.
_GLANCE: Final = (64, 64)


def glance_distance(one: bytes, other: bytes) -> float:
    """Return the CIE76 distance of two images, whatever their sizes: 0 for none, 100 from black to white."""
    return colour_distance(_glance(one), _glance(other))


def _glance(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGBA").resize(_GLANCE, Image.Resampling.BOX)

"""A map: smooth heights, drawn as steps with a line between them."""

from PIL import Image

from specrun.server.render.motifs.scene import Scene
from specrun.server.render.shapes import FULL, noise

_SOFT, _HARD = 22, 12  # how far from the edge of a step, in 256ths of it, a line begins and is full


def contours(scene: Scene) -> Image.Image:
    """Draw contour lines over stepped tones; the more detail, the more steps."""
    dice = scene.dice
    cell = max(8, 1 << (scene.side * dice.between(22, 52) // 100).bit_length() - 1)
    levels = 7 + 2 * scene.detail + dice.between(0, 3)
    low, high = dice.pick(((14, 150), (40, 156), (6, 118)))
    tones = [low + (high - low) * min(level, levels - 1) // (levels - 1) for level in range(256)]
    if dice.chance(40):
        tones = tones[levels - 1 :: -1] + tones[levels:]
    size = (scene.width, scene.height)
    # The high byte of a height is then its step, and the low byte where on the step it is.
    heights = noise(size, cell, dice).point(lambda height: height * (levels / 256)).convert("I;16").tobytes()
    steps = Image.frombytes("L", size, heights[1::2]).point(tones)
    lines = Image.frombytes("L", size, heights[::2]).point([_ink(within) for within in range(256)])
    steps.paste(steps.point([max(0, tone - 30) for tone in range(256)]), mask=lines)
    return steps


def _ink(within: int) -> int:
    """Return how much of the line is seen so far from the edge of a step."""
    away = min(within, 255 - within)
    return max(0, min(FULL, FULL * (_SOFT - away) // (_SOFT - _HARD)))

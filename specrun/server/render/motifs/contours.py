"""A map: smooth heights, drawn as steps with a line between them."""

from PIL import Image, ImageChops

from specrun.server.render.motifs.scene import Scene
from specrun.server.render.shapes import noise


def contours(scene: Scene) -> Image.Image:
    """Draw contour lines over stepped tones; the more detail, the more steps."""
    dice = scene.dice
    cell = 1 << (scene.side * dice.between(22, 52) // 100).bit_length() - 1
    size = (scene.width, scene.height)
    broad = noise(size, max(8, cell), dice.fork("broad")).point([value * 3 // 4 for value in range(256)])
    fine = noise(size, max(4, cell // 4), dice.fork("fine")).point([value // 8 for value in range(256)])
    levels = 7 + 2 * scene.detail + dice.between(0, 3)
    low, high = dice.pick(((14, 150), (40, 156), (6, 118)))
    return ImageChops.add(broad, fine).point(_steps(levels, low, high, rising=dice.chance(60)))


def _steps(levels: int, low: int, high: int, *, rising: bool) -> list[int]:
    """Return the tone of each height: flat steps, each of which begins with a dark line."""
    top = 224
    tones = []
    for height in range(256):
        level, within = divmod(min(height, top - 1) * levels, top)
        step = level if rising else levels - 1 - level
        tone = low + (high - low) * step // (levels - 1)
        line = within * 8 < levels * 13 and level > 0
        tones.append(max(0, tone - 26) if line else tone)
    return tones

"""The sea as scales: rows of nested circles under a sky."""

from PIL import Image

from specrun.server.render.motifs.scene import Scene
from specrun.server.render.motifs.sky import sky
from specrun.server.render.shapes import disc


def waves(scene: Scene) -> Image.Image:
    """Draw overlapping scales that darken towards the viewer."""
    dice = scene.dice
    horizon = scene.height * dice.between(18, 46) // 100
    picture = sky(scene, horizon=horizon)
    radius = scene.side // (dice.between(6, 9) + 2 * scene.detail)
    rings = dice.between(3, 4) + scene.detail // 2
    light, dark = dice.between(118, 140), dice.between(8, 24)
    step = max(1, radius // 2)
    rows = (scene.height - horizon) // step + 2
    for row in range(rows):
        tone = light + (dark - light) * row // max(1, rows - 1)
        scale = _scale(radius, rings, tone, contrast=dice.between(18, 30))
        top = horizon + row * step - step // 2
        for left in range(-radius * (1 + row % 2), scene.width, 2 * radius):
            picture.paste(scale, (left, top), disc(radius))
    return picture


def _scale(radius: int, rings: int, tone: int, *, contrast: int) -> Image.Image:
    """Return one scale: rings, light and dark by turns, around a common centre."""
    scale = Image.new("L", (2 * radius + 1, 2 * radius + 1), tone)
    for ring in range(1, rings + 1):
        inner = radius * (rings + 1 - ring) // (rings + 1)
        shade = min(156, tone + contrast) if ring % 2 else max(3, tone - contrast // 4)
        scale.paste(shade, (radius - inner, radius - inner), disc(inner))
    return scale

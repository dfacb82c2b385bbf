"""Skies: evenly graded, with a sun or moon, by night with stars."""

from PIL import Image

from specrun.server.render.motifs.scene import Scene
from specrun.server.render.shapes import disc, glow, grade, paste_disc, tone_at, vertical


def sky(scene: Scene, horizon: int) -> Image.Image:
    """Return the whole plate as sky, lightest at the horizon; a sun or moon stands above it."""
    dice = scene.dice.fork("sky")
    night = dice.chance(30)
    top, low = (dice.between(8, 26), dice.between(60, 84)) if night else (dice.between(76, 120), dice.between(138, 156))
    tones = grade(horizon, top, low) + bytes([low]) * (scene.height - horizon)
    picture = vertical(scene.width, tones)
    if night:
        stars(scene, picture, horizon * 3 // 4, 40 + 30 * scene.detail)
    radius = scene.side * dice.between(5, 13) // 100
    centre = (scene.width * dice.between(18, 82) // 100, horizon * dice.between(40, 88) // 100)
    halo = glow(radius * 4, 120 if night else 200)
    picture.paste(min(158, low + 6), (centre[0] - radius * 4, centre[1] - radius * 4), halo)
    paste_disc(picture, centre, radius, 159)
    if night and dice.chance(60):
        bite = radius * dice.between(30, 60) // 100
        around = tone_at(picture, centre[0], max(0, centre[1] - radius - 2))
        patch = Image.new("L", (2 * radius + 1, 2 * radius + 1), around)
        picture.paste(patch, (centre[0] - radius + bite, centre[1] - radius - bite // 3), disc(radius))
    return picture


def stars(scene: Scene, picture: Image.Image, below: int, count: int) -> None:
    """Scatter stars over the rows above `below`."""
    dice = scene.dice.fork("stars")
    for _ in range(count):
        x, y = dice.between(0, scene.width - 1), dice.between(0, max(1, below))
        size = dice.pick((1, 1, 1, 2)) * max(1, scene.unit // 2)
        picture.paste(dice.between(96, 156), (x, y, x + size, y + size))

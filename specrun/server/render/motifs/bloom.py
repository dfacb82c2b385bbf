"""A flower head: discs set by the golden angle, as seeds are."""

from math import isqrt

from PIL import Image

from specrun.server.render.motifs.scene import Scene
from specrun.server.render.shapes import ONE, TURN, cosine, disc, glow, grade, paste_disc, sine, vertical

_GOLDEN = 391 * 1024 + 132  # the golden angle in 1024ths of a step


def bloom(scene: Scene) -> Image.Image:
    """Draw spirals of petals that grow outwards, each with its shadow."""
    dice = scene.dice
    dark = dice.chance(50)
    top, low = (dice.between(6, 20), dice.between(28, 52)) if dark else (dice.between(120, 140), 156)
    picture = vertical(scene.width, grade(scene.height, top, low))
    centre = (scene.width * dice.between(38, 62) // 100, scene.height * dice.between(40, 60) // 100)
    reach = scene.side * dice.between(46, 66) // 100
    picture.paste(80, (centre[0] - reach, centre[1] - reach), glow(reach, 140))
    count = 80 + 45 * scene.detail
    inner, outer = dice.between(8, 40), dice.between(110, 156)
    if dice.chance(40):
        inner, outer = outer, inner
    spiral = dice.pick((3, 5, 8, 13, 21))
    turn = dice.between(0, TURN - 1)
    smallest, largest = reach * dice.between(2, 4) // 100, reach * dice.between(7, 12) // 100
    for index in range(count - 1, -1, -1):
        angle = turn + index * _GOLDEN // 1024 % TURN
        away = isqrt(index * reach * reach // count)
        x, y = centre[0] + away * cosine(angle) // ONE, centre[1] + away * sine(angle) // ONE
        radius = max(2, smallest + (largest - smallest) * away // reach)
        tone = inner + (outer - inner) * away // reach + (14 if index % spiral == 0 else -6 * (index % 3))
        _petal(picture, (x, y), radius, max(3, min(157, tone)))
    return picture


def _petal(picture: Image.Image, centre: tuple[int, int], radius: int, tone: int) -> None:
    drop = max(1, radius // 6)
    paste_disc(picture, (centre[0] + drop, centre[1] + drop), radius, 0, opacity=90)
    picture.paste(tone, (centre[0] - radius, centre[1] - radius), disc(radius))
    light = max(1, radius * 2 // 5)
    paste_disc(picture, (centre[0] - light // 2, centre[1] - light // 2), light, min(159, tone + 16))

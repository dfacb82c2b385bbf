"""Architecture: arches within arches, a stair, and light at the end."""

from PIL import Image

from specrun.server.render.dice import Dice
from specrun.server.render.motifs.scene import Scene
from specrun.server.render.shapes import disc, grade, paste_disc, vertical


def arches(scene: Scene) -> Image.Image:
    """Draw one to three portals side by side, each opening on the next."""
    dice = scene.dice
    wall = dice.between(96, 140)
    floor = scene.height * dice.between(78, 90) // 100
    picture = vertical(scene.width, grade(scene.height, min(156, wall + 14), wall - 10))
    portals = dice.between(1, 3) if scene.width >= scene.height else dice.between(1, 2)
    depth = 2 + scene.detail
    pitch = scene.width // portals
    for portal in range(portals):
        middle = pitch * portal + pitch // 2
        half = min(pitch * dice.between(34, 42) // 100, floor * 45 // 100)
        _portal(picture, middle, floor, half, depth, dice.fork(portal))
    _stair(picture, floor, scene.unit, dice)
    return picture


def _portal(picture: Image.Image, middle: int, floor: int, half: int, depth: int, dice: Dice) -> None:
    rise = min(floor - half - floor // 12, half * dice.between(8, 18) // 10)
    dark, light = dice.between(14, 46), dice.between(100, 128)
    for step in range(depth):
        radius = half * (depth - step) // depth * 9 // 10 + half // 10
        spring = floor - rise * (depth + 2 - step) // (depth + 2)
        shift = step * half // (depth * 6)
        _arch(picture, middle + shift, spring, floor, radius, dark + (light - dark) * step // max(1, depth - 1))
    radius = max(2, half // 5)
    paste_disc(picture, (middle + half // 6, floor - rise // 2), radius, 158)


def _arch(picture: Image.Image, middle: int, spring: int, floor: int, radius: int, tone: int) -> None:
    round_top = disc(radius).crop((0, 0, 2 * radius + 1, radius + 1))
    picture.paste(tone, (middle - radius, spring - radius), round_top)
    picture.paste(tone, (middle - radius, spring, middle + radius + 1, floor))


def _stair(picture: Image.Image, floor: int, unit: int, dice: Dice) -> None:
    """Lay steps from the floor down to the edge, each a light tread over a dark riser."""
    tone = dice.between(60, 90)
    height = max(4 * unit, (picture.height - floor) // 4)
    tread = max(1, height // 4)
    for top in range(floor, picture.height, height):
        picture.paste(min(156, tone + 44), (0, top, picture.width, top + tread))
        picture.paste(tone, (0, top + tread, picture.width, min(picture.height, top + height)))
        tone = max(10, tone - 12)

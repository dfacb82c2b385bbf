"""A portrait: head and shoulders, in planes, before a halo."""

from PIL import Image

from specrun.server.render.motifs.scene import Scene
from specrun.server.render.shapes import disc, grade, paste_disc, vertical


def figure(scene: Scene) -> Image.Image:
    """Draw a person reduced to discs: halo, hair, face, shoulders."""
    dice = scene.dice
    base = dice.between(70, 130)
    picture = vertical(scene.width, grade(scene.height, min(150, base + 24), base - 24))
    middle = scene.width * dice.between(40, 60) // 100
    head = scene.side * dice.between(15, 19) // 100
    eyes = scene.height * dice.between(38, 46) // 100
    rings = 2 + scene.detail
    for ring in range(rings, 0, -1):
        tone = 156 if ring % 2 else min(150, base + 12)
        paste_disc(picture, (middle, eyes), head * (10 + 5 * ring) // 8, tone, opacity=110 if ring > 1 else 220)
    coat, skin, hair = dice.between(8, 60), dice.between(92, 138), dice.between(3, 40)
    if dice.chance(50):  # long hair
        paste_disc(picture, (middle, eyes + head // 8), head * 13 // 10, hair)
        side = head * 13 // 10
        picture.paste(hair, (middle - side, eyes + head // 8, middle + side + 1, eyes + head * 9 // 5))
    _shoulders(picture, (middle, eyes + head * 2), head * dice.between(22, 28) // 10, coat)
    neck = head * 45 // 100
    picture.paste(max(4, skin - 26), (middle - neck, eyes + head // 2, middle + neck + 1, eyes + head * 17 // 10))
    paste_disc(picture, (middle, eyes + head * 17 // 10), neck, max(4, skin - 26))
    paste_disc(picture, (middle, eyes), head, hair)
    face = disc(head * 92 // 100).resize((head * 160 // 100, head * 196 // 100), Image.Resampling.BOX)
    picture.paste(skin, (middle - head * 80 // 100, eyes - head * 62 // 100), face)
    picture.paste(min(158, skin + 14), (middle - head * 80 // 100, eyes - head * 62 // 100), _left_half(face))
    _fringe(picture, (middle, eyes), head, hair, side=dice.pick((-1, 1)))
    return picture


def _shoulders(picture: Image.Image, top: tuple[int, int], reach: int, tone: int) -> None:
    middle, height = top
    picture.paste(tone, (middle - reach, height - reach // 3), disc(reach))
    paste_disc(picture, (middle - reach // 2, height + reach), reach, min(150, tone + 10), opacity=140)
    picture.paste(tone, (middle - reach, height - reach // 3 + reach, middle + reach + 1, picture.height))


def _left_half(mask: Image.Image) -> Image.Image:
    half = mask.copy()
    half.paste(0, (mask.width // 2, 0, mask.width, mask.height))
    return half


def _fringe(picture: Image.Image, centre: tuple[int, int], head: int, hair: int, *, side: int) -> None:
    """Sweep the hair over the forehead, from one side."""
    radius = head * 72 // 100
    cut = disc(radius).crop((0, 0, 2 * radius + 1, radius))
    picture.paste(hair, (centre[0] - radius + side * head // 4, centre[1] - head), cut)

"""A still life: turned vessels and fruit on a table."""

from functools import lru_cache

from PIL import Image

from specrun.server.render.dice import Dice
from specrun.server.render.motifs.scene import Scene
from specrun.server.render.shapes import FULL, SUB, disc, glow, grade, paste_disc, ramp, vertical


def vessels(scene: Scene) -> Image.Image:
    """Draw two to four vessels, lit from the left, before a plain wall."""
    dice = scene.dice
    edge = scene.height * dice.between(60, 74) // 100
    wall, table = dice.between(84, 140), dice.between(40, 76)
    tones = grade(edge, wall - 22, min(152, wall + 8)) + grade(scene.height - edge, table + 18, table - 16)
    picture = vertical(scene.width, tones)
    reach = scene.side * 6 // 10
    picture.paste(158, (scene.width * 3 // 10 - reach, edge // 2 - reach), glow(reach, 110))
    count = dice.between(2, 4) if scene.width >= scene.height else dice.between(2, 3)
    pitch = scene.width * 8 // 10 // count
    for index in sorted(range(count), key=lambda index: index % 2):
        middle = scene.width // 10 + pitch * index + pitch // 2 + dice.between(-pitch // 8, pitch // 8)
        foot = edge + scene.height * dice.between(4, 16) // 100
        height = min(foot - scene.height // 12, scene.side * dice.between(32, 66) // 100)
        _vessel(picture, (middle, foot), height, min(pitch * 11 // 20, height * 2 // 3), dice.fork(index))
    for _ in range(dice.between(0, 1 + scene.detail // 2)):
        radius = scene.side * dice.between(4, 7) // 100
        place = (dice.between(radius, scene.width - radius), edge + scene.height * dice.between(14, 22) // 100)
        _fruit(picture, place, radius, dice.between(50, 130))
    return picture


def _vessel(picture: Image.Image, foot: tuple[int, int], height: int, reach: int, dice: Dice) -> None:
    """Turn a profile, each row shaded as a cylinder is."""
    middle, bottom = foot
    widths = _profile(height, reach, dice)
    shadow = disc(reach).resize((reach * 3, max(4, reach // 3)), Image.Resampling.BOX)
    picture.paste(4, (middle - reach // 2, bottom - reach // 5), shadow.point([v * 2 // 5 for v in range(256)]))
    shading = _Shading(dice.between(16, 140))
    rows, covers = [], []
    for width in widths:
        half, part = divmod(width, SUB)
        side, edge = bytes(reach - half), bytes([FULL * part // SUB])
        rows.append(side + shading.row(half + 1) + side)
        covers.append(side + edge + b"\xff" * (2 * half) + edge + side)
    size = (2 * reach + 2, height)
    body, mask = (Image.frombytes("L", size, b"".join(lines)) for lines in (rows, covers))
    picture.paste(body, (middle - reach - 1, bottom - height), mask)
    mouth, lip = widths[0] // SUB, max(2, widths[0] // SUB // 5)
    opening = disc(mouth).resize((2 * mouth, 2 * lip), Image.Resampling.BOX)
    picture.paste(shading.inside, (middle - mouth, bottom - height - lip), opening)


def _profile(height: int, reach: int, dice: Dice) -> list[int]:
    """Return the half width of each row in parts of a pixel, from the mouth to the foot, eased between a few knots."""
    neck = dice.between(18, 60)
    knots = (neck + dice.between(0, 14), neck, dice.between(45, 90), 100, dice.between(60, 96), dice.between(40, 70))
    spans = len(knots) - 1
    widths = []
    for y in range(height):
        at, within = divmod(y * spans * 256 // height, 256)
        ease = within * within * (768 - 2 * within) // 256
        percent = knots[at] * (65536 - ease) + knots[at + 1] * ease
        widths.append(max(3 * SUB, reach * SUB * percent // 6553600))
    return widths


class _Shading:
    """Rows of a lit cylinder, by half width."""

    def __init__(self, tone: int) -> None:
        light = min(159, tone + 30)
        dark = max(2, tone * 2 // 5)
        self.inside = max(1, tone // 3)
        self._whole = ramp(64, (tone + dark) // 2, light) + ramp(64, light, tone) + ramp(128, tone, dark)

    def row(self, half: int) -> bytes:
        """Return 2 * half tones."""
        return _around(half).translate(self._whole)


@lru_cache(maxsize=1024)
def _around(half: int) -> bytes:
    """Return where on a cylinder each of 2 * half pixels is, in 256ths of the way from its left edge."""
    return bytes(x * 128 // half for x in range(2 * half))


def _fruit(picture: Image.Image, centre: tuple[int, int], radius: int, tone: int) -> None:
    shadow = disc(radius).resize((radius * 3, max(4, radius * 2 // 3)), Image.Resampling.BOX)
    shadow = shadow.point([value * 2 // 5 for value in range(256)])
    picture.paste(4, (centre[0] - radius // 2, centre[1] + radius * 3 // 5), shadow)
    paste_disc(picture, centre, radius, max(4, tone - 30))
    for step in range(1, 5):
        inner = radius * (5 - step) // 5
        place = (centre[0] - radius * step // 14, centre[1] - radius * step // 14)
        paste_disc(picture, place, inner, min(158, tone - 30 + 16 * step))

"""A city: towers behind towers, their windows lit here and there."""

from PIL import Image

from specrun.server.render.dice import Dice
from specrun.server.render.motifs.scene import Scene
from specrun.server.render.motifs.sky import sky


def skyline(scene: Scene) -> Image.Image:
    """Draw rows of towers, the far ones light, the near ones dark."""
    dice = scene.dice
    picture = sky(scene, horizon=scene.height * 85 // 100)
    layers = 3 + scene.detail // 2
    for layer in range(layers):
        share = layer * 100 // max(1, layers - 1)
        tone = 112 - 98 * share // 100
        tallest = scene.height * (78 - 34 * share // 100) // 100
        _row(scene, picture, tone, tallest, windows=layer >= layers - 2, dice=dice.fork(layer))
    return picture


def _row(scene: Scene, picture: Image.Image, tone: int, tallest: int, *, windows: bool, dice: Dice) -> None:
    left = -dice.between(0, scene.side // 12)
    while left < scene.width:
        width = scene.side * dice.between(7, 16) // 100
        height = tallest * dice.between(45, 100) // 100
        shade = max(3, tone + dice.between(-6, 6))
        tower = _tower(width, height, shade, scene.unit, dice) if windows else Image.new("L", (width, height), shade)
        picture.paste(tower, (left, scene.height - height))
        _roof(picture, (left, scene.height - height), width, shade, scene.unit, dice)
        left += width + (dice.between(0, 3) * scene.unit if dice.chance(40) else 0)


def _tower(width: int, height: int, shade: int, unit: int, dice: Dice) -> Image.Image:
    """Return a tower's face with rows of windows, the lit ones bright."""
    pitch = unit * dice.between(5, 8)
    pane = pitch * dice.between(40, 65) // 100
    margin = (width - (width // pitch) * pitch + pitch - pane) // 2
    dark, lit = bytes([shade + 9]) * pane, bytes([dice.between(132, 156)]) * pane
    gap = bytes([shade]) * (pitch - pane)
    plain = bytes([shade]) * width
    rows: list[bytes] = [plain] * min(height, pitch)
    brightness = dice.between(20, 55)
    while len(rows) < height:
        panes = gap.join(lit if dice.chance(brightness) else dark for _ in range(width // pitch))
        row = (bytes([shade]) * margin + panes).ljust(width, bytes([shade]))[:width]
        rows += [row] * (pitch * 3 // 5) + [plain] * (pitch - pitch * 3 // 5)
    return Image.frombytes("L", (width, height), b"".join(rows[:height]))


def _roof(picture: Image.Image, corner: tuple[int, int], width: int, shade: int, unit: int, dice: Dice) -> None:
    left, top = corner
    kind = dice.between(0, 3)
    if kind == 0:  # an aerial
        middle = left + width // 2
        picture.paste(shade, (middle, top - unit * dice.between(8, 22), middle + max(1, unit // 2), top))
    elif kind == 1:  # set back
        for step in (1, 2):
            inset = width * step // 6
            picture.paste(shade, (left + inset, top - step * unit * 4, left + width - inset, top))

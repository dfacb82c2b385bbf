"""What a model and its settings do to a picture: surface, sharpness, empty space."""

from PIL import Image

from specrun.server.render.dice import Dice
from specrun.server.render.palette import TONES
from specrun.server.render.shapes import paste_disc, tone_at

_COARSE = ((2, 64), (4, 32), (8, 16), (12, 8), (16, 4))  # fewer steps than the first: blocks of so many 1024ths

_DARK, _LIGHT = 6, 150


def unfinished(plate: Image.Image, steps: int) -> Image.Image:
    """Return the plate as it looks after only a few steps: in blocks, which are gone from 16 steps on."""
    for below, size in _COARSE:
        block = size * min(plate.size) // 1024
        if steps < below and block > 1:
            coarse = plate.reduce(block)
            whole = coarse.resize((coarse.width * block, coarse.height * block), Image.Resampling.NEAREST)
            return whole.crop((0, 0, *plate.size))
    return plate


def surface(plate: Image.Image, dice: Dice) -> None:
    """Give the plate a model's own surface: lines laid in the paper, grain, fibres, or a grid of pinholes."""
    dice.pick((_laid_lines, _grain, _fibres, _pinholes))(plate, dice)


def _laid_lines(plate: Image.Image, dice: Dice) -> None:
    darker = _shifted(plate, -dice.between(2, 4))
    pitch = _unit(plate) * dice.between(2, 5)
    for top in range(0, plate.height, 2 * pitch):
        box = (0, top, plate.width, min(plate.height, top + max(1, pitch // 2)))
        plate.paste(darker.crop(box), box)


def _grain(plate: Image.Image, dice: Dice) -> None:
    _scatter(plate, dice, long=1)


def _fibres(plate: Image.Image, dice: Dice) -> None:
    _scatter(plate, dice, long=dice.between(8, 20))


def _pinholes(plate: Image.Image, dice: Dice) -> None:
    unit = _unit(plate)
    pitch = unit * dice.between(7, 12)
    tile = Image.new("L", (2 * pitch, 2 * pitch))
    for corner in (0, pitch):
        tile.paste(255, (corner, corner, corner + unit, corner + unit))
    plate.paste(_shifted(plate, -dice.between(4, 7)), (0, 0), _tiled(tile, plate.size))


def _scatter(plate: Image.Image, dice: Dice, *, long: int) -> None:
    """Scatter lighter and darker specks, `long` units wide."""
    size, unit, depth = 256, _unit(plate), dice.between(4, 7)
    for other in (_shifted(plate, depth), _shifted(plate, -depth)):
        tile = Image.new("L", (size, size))
        for _ in range(size * size // (90 * long)):
            x, y = dice.between(0, size - 1), dice.between(0, size - 1)
            tile.paste(255, (x, y, min(size, x + long * unit), min(size, y + unit)))
        plate.paste(other, (0, 0), _tiled(tile, plate.size))


def _shifted(plate: Image.Image, by: int) -> Image.Image:
    """Return the plate, lighter or darker by some tones."""
    return plate.point([max(0, min(TONES - 1, tone + by)) for tone in range(256)])


def _unit(plate: Image.Image) -> int:
    return max(1, min(plate.size) // 512)


def negative_space(plate: Image.Image, negative_prompt: str) -> None:
    """Leave a round place empty for what must not be there: where and how large depends on the words."""
    dice = Dice("negative", negative_prompt)
    radius = min(plate.size) * dice.between(10, 16) // 100
    centre = (dice.between(radius, plate.width - radius), dice.between(radius, plate.height - radius))
    paste_disc(plate, centre, radius, _DARK if tone_at(plate, *centre) > TONES // 2 else _LIGHT)


def _tiled(tile: Image.Image, size: tuple[int, int]) -> Image.Image:
    whole = Image.new("L", size)
    for left in range(0, size[0], tile.width):
        whole.paste(tile, (left, 0))
    strip = whole.crop((0, 0, size[0], min(size[1], tile.height)))
    for top in range(tile.height, size[1], tile.height):
        whole.paste(strip, (0, top))
    return whole

"""Tiles: quarter circles, leaves, rings and stripes on a grid, as in a pattern book."""

from collections.abc import Callable

from PIL import Image, ImageChops

from specrun.server.render.dice import Dice
from specrun.server.render.motifs.scene import Scene
from specrun.server.render.shapes import disc, tone_at


def mosaic(scene: Scene) -> Image.Image:
    """Draw a grid of tiles in five tones; the more detail, the smaller the tiles."""
    dice = scene.dice
    across = dice.between(3, 4) + scene.detail * 3 // 4
    size = -(-scene.side // across)
    tones = [dice.between(4, 26), dice.between(36, 64), dice.between(70, 98), dice.between(104, 130), 154]
    quiet = dice.pick(tones[2:])
    picture = Image.new("L", (scene.width, scene.height))
    for top in range(0, scene.height, size):
        for left in range(0, scene.width, size):
            picture.paste(_tile(size, tones, quiet, dice), (left, top))
    return picture


def _tile(size: int, tones: list[int], quiet: int, dice: Dice) -> Image.Image:
    ground = quiet if dice.chance(35) else dice.pick(tones)
    figure = dice.pick([tone for tone in tones if tone != ground])
    accent = dice.pick([tone for tone in tones if tone not in (ground, figure)])
    tile = Image.new("L", (size, size), ground)
    dice.pick(_FIGURES)(tile, figure, accent)
    for _ in range(dice.between(0, 3)):
        tile = tile.transpose(Image.Transpose.ROTATE_90)
    return tile


def _quarter_mask(size: int, radius: int) -> Image.Image:
    """Return the mask of a quarter disc around the top left corner."""
    mask = Image.new("L", (size, size))
    mask.paste(disc(radius).crop((radius, radius, 2 * radius + 1, 2 * radius + 1)))
    return mask


def _quarter(tile: Image.Image, figure: int, accent: int) -> None:
    tile.paste(figure, mask=_quarter_mask(tile.width, tile.width))
    tile.paste(accent, mask=_quarter_mask(tile.width, tile.width * 2 // 5))


def _leaf(tile: Image.Image, figure: int, accent: int) -> None:
    one = _quarter_mask(tile.width, tile.width)
    other = one.transpose(Image.Transpose.ROTATE_180)
    tile.paste(accent, mask=one)
    tile.paste(figure, mask=ImageChops.darker(one, other))


def _rings(tile: Image.Image, figure: int, _accent: int) -> None:
    tones = (figure, tone_at(tile, 0, 0))
    for ring in range(5, 0, -1):
        tile.paste(tones[ring % 2], mask=_quarter_mask(tile.width, tile.width * ring // 5))


def _circle(tile: Image.Image, figure: int, accent: int) -> None:
    centre = tile.width // 2
    for radius, tone in ((centre * 4 // 5, figure), (centre * 3 // 10, accent)):
        tile.paste(tone, (centre - radius, centre - radius), disc(radius))


def _halves(tile: Image.Image, figure: int, accent: int) -> None:
    radius = tile.width // 2
    half = disc(radius).crop((radius, 0, 2 * radius + 1, 2 * radius + 1))
    tile.paste(figure, (0, 0), half)
    tile.paste(accent, (radius, 0), half)


def _stripes(tile: Image.Image, figure: int, accent: int) -> None:
    band = max(1, tile.width // 8)
    for stripe in range(0, 8, 2):
        tile.paste(figure if stripe else accent, (0, stripe * band, tile.width, (stripe + 1) * band))


def _dots(tile: Image.Image, figure: int, accent: int) -> None:
    pitch = tile.width // 4
    radius = max(1, pitch * 3 // 10)
    for index in range(16):
        left, top = (index % 4) * pitch + pitch // 2 - radius, (index // 4) * pitch + pitch // 2 - radius
        tile.paste(accent if index % 5 == 0 else figure, (left, top), disc(radius))


_FIGURES: tuple[Callable[[Image.Image, int, int], None], ...] = (
    _quarter,
    _quarter,
    _leaf,
    _rings,
    _circle,
    _halves,
    _stripes,
    _dots,
)

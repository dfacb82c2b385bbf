"""A planet with its bands, shadow, ring and moons."""

from PIL import Image, ImageChops

from specrun.server.render.motifs.scene import Scene
from specrun.server.render.motifs.sky import stars
from specrun.server.render.shapes import disc, glow, grade, paste_disc, ridge, spread, vertical

_STEPS = 12  # from light to shadow


def orbits(scene: Scene) -> Image.Image:
    """Draw a large planet in a dark sky."""
    dice = scene.dice
    top, low = dice.between(4, 14), dice.between(18, 44)
    picture = vertical(scene.width, grade(scene.height, top, low))
    stars(scene, picture, scene.height - 1, 60 + 60 * scene.detail)
    ringed = dice.chance(55)
    radius = scene.side * (dice.between(19, 26) if ringed else dice.between(24, 40)) // 100
    centre = (scene.width * dice.between(34, 66) // 100, scene.height * dice.between(38, 62) // 100)
    reach = radius * 8 // 5
    picture.paste(96, (centre[0] - reach, centre[1] - reach), glow(reach, 130))
    tilt = dice.between(14, 30)
    if ringed:
        _ring(picture, centre, radius, tilt, behind=True)
    planet = _planet(scene, radius)
    picture.paste(planet, (centre[0] - radius, centre[1] - radius), disc(radius))
    if ringed:
        _ring(picture, centre, radius, tilt, behind=False)
    for _ in range(dice.between(1, 3)):
        size = max(2, radius * dice.between(5, 16) // 100)
        place = (dice.between(size, scene.width - size), dice.between(size, scene.height - size))
        _moon(picture, place, size, dice.between(110, 156))
    return picture


def _planet(scene: Scene, radius: int) -> Image.Image:
    """Return a square with bands across, lit from the upper left."""
    dice = scene.dice.fork("planet")
    size = 2 * radius + 1
    bands = ridge(size, max(4, size // dice.between(3, 9)), 3, dice)
    planet = vertical(size, bytes(spread(bands, dice.between(50, 80), dice.between(128, 154))))
    if dice.chance(50):
        storm = max(2, radius // dice.between(6, 10))
        where = (radius + dice.between(-radius // 2, radius // 3), radius + dice.between(-radius // 3, radius // 2))
        paste_disc(planet, where, storm, 150, opacity=150)
        paste_disc(planet, where, storm // 2, 70, opacity=150)
    planet.paste(6, mask=_shadow(radius, radius * dice.between(24, 60) // 100))
    return planet


def _moon(picture: Image.Image, centre: tuple[int, int], radius: int, tone: int) -> None:
    moon = Image.new("L", (2 * radius + 1, 2 * radius + 1), tone)
    moon.paste(6, mask=_shadow(radius, radius // 2))
    picture.paste(moon, (centre[0] - radius, centre[1] - radius), disc(radius))


def _shadow(radius: int, shift: int) -> Image.Image:
    """Return the mask of a ball's dark side: the light falls from the upper left, the deeper the larger `shift` is."""
    lit = Image.new("L", (2 * radius + 1, 2 * radius + 1), 40)
    for step in range(1, _STEPS + 1):
        offset = shift * step // _STEPS
        lit.paste(40 + 215 * step // _STEPS, (-offset, -offset // 2), disc(radius))
    return ImageChops.invert(lit).point([value * 4 // 5 for value in range(256)])


def _ring(picture: Image.Image, centre: tuple[int, int], radius: int, tilt: int, *, behind: bool) -> None:
    """Paint the far or the near half of a ring that is seen at a slant of `tilt` percent."""
    for outer, inner, tone in ((210, 178, 132), (172, 150, 108)):
        wide, high = radius * outer // 100, radius * outer * tilt // 10000
        hole = (radius * inner // 100, radius * inner * tilt // 10000)
        mask = disc(wide).resize((2 * wide, 2 * high), Image.Resampling.BOX)
        inside = disc(hole[0]).resize((2 * hole[0], 2 * hole[1]), Image.Resampling.BOX)
        mask.paste(0, (wide - hole[0], high - hole[1]), inside)
        half = (0, 0, 2 * wide, high) if behind else (0, high, 2 * wide, 2 * high)
        picture.paste(tone, (centre[0] - wide, centre[1] - (high if behind else 0)), mask.crop(half))

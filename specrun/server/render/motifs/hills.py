"""Ridges behind ridges, under a low sun, sometimes above a lake."""

from collections.abc import Sequence

from PIL import Image

from specrun.server.render.motifs.scene import Scene
from specrun.server.render.motifs.sky import sky
from specrun.server.render.shapes import ramp, ridge, spread


def hills(scene: Scene) -> Image.Image:
    """Draw a landscape; far ridges are light, near ones dark, each with mist at its foot."""
    dice = scene.dice
    lake = scene.height * dice.between(62, 78) // 100 if dice.chance(40) else scene.height
    picture = sky(scene, horizon=lake * 60 // 100)
    land, mask = _ridges(scene, lake)
    picture.paste(land, (0, 0), mask)
    return _mirrored(picture, lake) if lake < scene.height else picture


def _ridges(scene: Scene, bottom: int) -> tuple[Image.Image, Image.Image]:
    """Return the ridges and the mask of where they are, down to the row `bottom`."""
    dice = scene.dice
    count = 3 + scene.detail
    cell = max(16, scene.width // dice.between(2, 5))
    top = bottom * dice.between(34, 48) // 100
    crests, faces = [], []
    for layer in range(count):
        base = top + (bottom - top) * layer // count
        relief = max(8, bottom * dice.between(10, 22) // 100)
        heights = ridge(scene.width, cell, 4 + scene.detail // 2, dice.fork(layer))
        crests.append(spread(heights, base, min(bottom - 1, base + relief)))
        tone = 118 - 104 * layer // max(1, count - 1)
        faces.append(ramp(bottom, tone, min(150, tone + 26)))
    land = [_column(tops, faces, bottom) for tops in zip(*crests, strict=True)]
    mask = [bytes(top) + b"\xff" * (bottom - top) for top in crests[0]]
    return _upright(land), _upright(mask)


def _column(tops: Sequence[int], faces: Sequence[bytes], bottom: int) -> bytes:
    """Return one column: each ridge's face, which is lit from its crest downwards, until a nearer one covers it."""
    parts, at = [bytes(tops[0])], tops[0]
    for top, below, face in zip(tops, (*tops[1:], bottom), faces, strict=True):
        until = max(at, below)
        parts.append(face[at - top : until - top])
        at = until
    return b"".join(parts).ljust(bottom, b"\0")


def _upright(columns: list[bytes]) -> Image.Image:
    size = (len(columns[0]), len(columns))
    return Image.frombytes("L", size, b"".join(columns)).transpose(Image.Transpose.TRANSPOSE)


def _mirrored(picture: Image.Image, shore: int) -> Image.Image:
    """Lay what is above the shore into the water below it, darker, with a few streaks of light."""
    depth = picture.height - shore
    above = picture.crop((0, max(0, shore - 2 * depth), picture.width, shore))
    water = above.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((picture.width, depth), Image.Resampling.NEAREST)
    picture.paste(water.point([tone * 4 // 5 + 6 for tone in range(256)]), (0, shore))
    step = max(2, depth // 14)
    for row in range(shore + step // 2, picture.height, step):
        thickness = max(1, (row - shore) // 90)
        streak = picture.crop((0, row, picture.width, row + thickness)).point([min(156, t + 9) for t in range(256)])
        picture.paste(streak, (0, row))
    return picture

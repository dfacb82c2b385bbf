"""Ridges behind ridges, under a low sun, sometimes above a lake."""

from collections.abc import Sequence

from PIL import Image

from specrun.server.render.motifs.scene import Scene
from specrun.server.render.motifs.sky import sky
from specrun.server.render.shapes import FULL, SUB, ramp, ridge, spread


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
        crests.append(spread(heights, base * SUB, min(bottom - 1, base + relief) * SUB))
        tone = 118 - 104 * layer // max(1, count - 1)
        faces.append(ramp(bottom, tone, min(150, tone + 26)))
    columns = list(zip(*crests, strict=True))
    land = [_column(tops, faces, bottom) for tops in columns]
    mask = [_covered(tops[0], bottom) for tops in columns]
    return _upright(land), _upright(mask)


def _column(tops: Sequence[int], faces: Sequence[bytes], bottom: int) -> bytes:
    """Return one column: each ridge's face, lit from its crest downwards, until a nearer one covers it.

    `tops` are in parts of a pixel: where a crest cuts through a pixel, that pixel is of both ridges' tones.
    """
    column = bytearray(tops[0] // SUB)
    for top, face in zip(tops, faces, strict=True):
        row, part = divmod(top, SUB)
        if row < len(column):  # a nearer ridge that rises above what is behind it
            del column[row:]
        behind = column[-1] if column else face[0]
        column.append((behind * part + face[0] * (SUB - part)) // SUB)
        column += face[: bottom - row - 1]
    return bytes(column)


def _covered(top: int, bottom: int) -> bytes:
    row, part = divmod(top, SUB)
    return bytes(row) + bytes([FULL * (SUB - part) // SUB]) + b"\xff" * (bottom - row - 1)


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

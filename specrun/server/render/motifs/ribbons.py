"""Folds of cloth: stripes that wander together from row to row."""

from PIL import Image

from specrun.server.render.motifs.scene import Scene
from specrun.server.render.shapes import ONE, TURN, ramp, sine

_PHASES = 4  # how finely a stripe can be shifted, so that slanting edges stay smooth


def ribbons(scene: Scene) -> Image.Image:
    """Draw flowing stripes, upright or lying, each shaded like a fold."""
    dice = scene.dice
    lying = dice.chance(50)
    width, height = (scene.height, scene.width) if lying else (scene.width, scene.height)
    waves = [
        (width * dice.between(4, 16) // 100, TURN * dice.between(3, 14) // 10, dice.between(0, TURN - 1))
        for _ in range(2)
    ]
    drift = dice.between(-60, 60) * width // 100
    offsets = [
        sum(reach * sine(start + turns * y // height) * _PHASES // ONE for reach, turns, start in waves)
        + drift * y * _PHASES // height
        for y in range(height)
    ]
    least = min(offsets)
    span = (max(offsets) - least) // _PHASES + width + 2
    phases = _pattern(scene, span)
    rows = []
    for offset in offsets:
        pixel, phase = divmod(offset - least, _PHASES)
        rows.append(phases[phase][pixel : pixel + width])
    picture = Image.frombytes("L", (width, height), b"".join(rows))
    return picture.transpose(Image.Transpose.TRANSPOSE) if lying else picture


def _pattern(scene: Scene, span: int) -> list[bytes]:
    """Return one row of stripes, `span` pixels, at each of the phases."""
    dice = scene.dice.fork("stripes")
    narrowest = scene.side // (10 + 4 * scene.detail)
    fine = bytearray()
    tones = [dice.between(10, 150) for _ in range(5)]
    while len(fine) < (span + 1) * _PHASES:
        width = dice.between(narrowest, narrowest * 4) * _PHASES
        tone = dice.pick(tones)
        light, dark = min(158, tone + dice.between(4, 24)), max(2, tone - dice.between(10, 40))
        crest = width * dice.between(20, 60) // 100
        fine += ramp(crest, (tone + dark) // 2, light) + ramp(width - crest, light, dark)
    # Tones in steps of four: finer ones cost much space and nobody sees them.
    return [
        bytes(
            sum(fine[at + phase : at + phase + _PHASES]) // (_PHASES * 4) * 4
            for at in range(0, span * _PHASES, _PHASES)
        )
        for phase in range(_PHASES)
    ]

"""What a prompt asks to see, as far as a sketch can tell."""

import re
from collections.abc import Callable, Sequence

from PIL import Image

from specrun.server.render.dice import Dice
from specrun.server.render.motifs.arches import arches
from specrun.server.render.motifs.bloom import bloom
from specrun.server.render.motifs.contours import contours
from specrun.server.render.motifs.figure import figure
from specrun.server.render.motifs.hills import hills
from specrun.server.render.motifs.mosaic import mosaic
from specrun.server.render.motifs.orbits import orbits
from specrun.server.render.motifs.ribbons import ribbons
from specrun.server.render.motifs.scene import Scene
from specrun.server.render.motifs.skyline import skyline
from specrun.server.render.motifs.vessels import vessels
from specrun.server.render.motifs.waves import waves

Motif = Callable[[Scene], Image.Image]

# A person stands only where the prompt speaks of one.
_MOTIFS: tuple[Motif, ...] = (hills, contours, ribbons, mosaic, orbits, skyline, bloom, waves, arches, vessels)

_SUBJECTS: dict[Motif, str] = {
    hills: "mountain hill landscape valley desert canyon field meadow lake sunset sunrise horizon forest countryside",
    orbits: "planet space moon galaxy star stars universe astronaut spaceship rocket cosmos saturn mars orbit",
    skyline: "city skyline street building skyscraper town tokyo downtown urban tower office traffic",
    bloom: "flower bloom blossom sunflower rose garden petal bouquet leaf tree plant botanical daisy tulip",
    waves: "sea ocean wave waves beach river boat ship water fish whale island harbour harbor surf",
    arches: "arch temple church cathedral castle palace door gate room interior house architecture bridge museum hall",
    vessels: "vase bottle cup mug lamp bowl table jar teapot still product kettle glass apple fruit chair bag shoe",
    figure: "portrait woman man person girl boy face king queen people child lady self-portrait actor dancer chef",
    ribbons: "silk cloth fabric curtain ribbon dress scarf flag textile",
    mosaic: "pattern mosaic tile tiles geometric bauhaus poster quilt abstract logo",
    contours: "map terrain marble topographic smoke cloud clouds fluid",
}
_BY_WORD = {word: motif for motif, words in _SUBJECTS.items() for word in words.split()}


def words_of(prompt: str) -> list[str]:
    """Return a prompt's words in lower case."""
    return re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", prompt.lower())


def choose_motif(words: Sequence[str], dice: Dice) -> Motif:
    """Return the motif of the first word that has one (singular or plural), else any."""
    for word in words:
        for form in (word, word.removesuffix("s"), word.removesuffix("es")):
            if form in _BY_WORD:
                return _BY_WORD[form]
    return dice.pick(_MOTIFS)

"""A whole picture from one request: plate, prints, strip, file."""

from collections.abc import Sequence

from PIL import Image

from specrun.server.engine import ImageRequest
from specrun.server.render.dice import Dice
from specrun.server.render.finish import negative_space, surface, unfinished
from specrun.server.render.geometry import picture_size
from specrun.server.render.motifs.scene import Scene
from specrun.server.render.palette import TONES, blend, choose_ramp, tones
from specrun.server.render.png import Colour, encode_png
from specrun.server.render.prints import Prints
from specrun.server.render.slug import Caption, Inks, slug
from specrun.server.render.subject import choose_motif, words_of

NOTICE = "Drawn by specrun's sandbox from the request, for trying things out; no image model has made this picture."

_INKS = Inks(paper=TONES, ink=TONES + 1, faint=TONES + 2, mark=TONES + 3, on_mark=TONES + 4)
_FIRST_PRINT_COLOUR = TONES + 5
_USUAL_STEPS = 28


def draw(request: ImageRequest, index: int) -> bytes:
    """Return image `index` (from 1) of a request as a PNG: the same bytes for the same request, on every machine."""
    width, height = picture_size(request)
    words = words_of(request.prompt)
    by_prompt = Dice("prompt", request.prompt)
    by_seed = Dice("seed", request.prompt, request.params.get("seed"), index)
    colours = tones(choose_ramp(words, by_prompt.fork("ramp"), by_seed.fork("ramp")), _vividness(request))
    strip = slug((width, height), _caption(request, index), _INKS)
    scene = Scene(width=width, height=height - strip.height, dice=by_seed.fork("scene"), detail=_detail(request))
    plate = unfinished(choose_motif(words, by_prompt.fork("motif"))(scene), _steps(request))
    surface(plate, Dice("model", request.model))
    if negative := request.text("negative_prompt"):
        negative_space(plate, negative)
    prints = Prints.of(request.inputs, _FIRST_PRINT_COLOUR)
    prints.paste(plate, paper=_INKS.paper, strength=request.number("strength"), dice=by_seed.fork("prints"))
    picture = Image.new("L", (width, height))
    picture.paste(plate, (0, 0))
    picture.paste(strip, (0, plate.height))
    return encode_png(picture, [*colours, *_ink_colours(colours), *prints.colours], _texts(request))


def _ink_colours(colours: Sequence[Colour]) -> list[Colour]:
    """Return the colours of `_INKS`, taken from the picture's own."""
    paper = blend(colours[-1], (255, 255, 255), 2, 3)
    ink = blend(colours[0], (12, 12, 16), 1, 2)
    return [paper, ink, blend(paper, ink, 5, 9), blend(colours[TONES // 4], ink, 1, 4), paper]


def _caption(request: ImageRequest, index: int) -> Caption:
    seed = request.params.get("seed")
    facts = [] if seed is None else [f"seed {seed}"]
    facts += [f"image {index} of {request.count}"] if request.count > 1 else []
    for name, label in (("steps", "steps"), ("guidance_scale", "guidance"), ("strength", "strength")):
        if (value := request.number(name)) is not None and (name != "strength" or request.inputs):
            facts.append(f"{label} {value:g}")
    if negative := request.text("negative_prompt"):
        facts.append(f"without {negative}")
    return Caption(model=request.model, prompt=request.prompt, facts=tuple(facts))


def _texts(request: ImageRequest) -> dict[str, str]:
    return {
        "Title": "specrun sandbox picture",
        "Software": "specrun sandbox",
        "Disclaimer": NOTICE,
        "Description": request.prompt,
        "Source": request.model,
    }


def _steps(request: ImageRequest) -> int:
    steps = request.number("steps")
    return _USUAL_STEPS if steps is None else int(steps)


def _detail(request: ImageRequest) -> int:
    """Return how much detail there is time for: 0 below 10 steps, 4 from 40."""
    return min(4, _steps(request) // 10)


def _vividness(request: ImageRequest) -> int:
    """Return how strong colours are, in percent: 62 at guidance 1, about 100 at 3.5, up to 150."""
    guidance = request.number("guidance_scale")
    hundredths = 350 if guidance is None else round(guidance * 100)
    return min(150, 62 + (hundredths - 100) * 15 // 100)

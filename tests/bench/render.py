"""CPU time and size of the sandbox's pictures: `python tests/bench/render.py [COUNT]`."""

import resource
import statistics
import sys
import time

from PIL import Image

from specrun.canonical import Json
from specrun.server.engine import ImageRequest
from specrun.server.render.picture import draw

PROMPTS = (
    "a mountain lake",
    "a planet with rings",
    "a city street",
    "a sunflower",
    "the sea",
    "a cathedral",
    "a vase and a cup",
    "a portrait",
    "red silk",
    "a bauhaus poster",
    "a map",
)


def main(count: int) -> None:
    """Print a table, a row a motif: milliseconds of CPU (median, worst) and KiB for 1024 x 1024."""
    photo = Image.linear_gradient("L").resize((1600, 1200)).convert("RGB")
    print(f"{'prompt':<24}{'median ms':>10}{'worst ms':>10}{'KiB':>8}{'with an input, ms':>20}")
    for prompt in PROMPTS:
        plain, sizes, edits = [], [], []
        for seed in range(count):
            milliseconds, size = measured(prompt, seed, ())
            plain.append(milliseconds)
            sizes.append(size / 1024)
            edits.append(measured(prompt, seed, (photo,))[0])
        row = statistics.median(plain), max(plain), statistics.median(sizes), statistics.median(edits)
        print(f"{prompt:<24}{row[0]:>10.1f}{row[1]:>10.1f}{row[2]:>8.0f}{row[3]:>20.1f}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def measured(prompt: str, seed: int, inputs: tuple[Image.Image, ...]) -> tuple[float, int]:
    """Return milliseconds of CPU and bytes."""
    params: dict[str, Json] = {"prompt": prompt, "seed": seed, "size": "1024x1024", "steps": 28, "guidance_scale": 2.5}
    request = ImageRequest(model="black-forest-labs/FLUX.1-dev", params=params, inputs=inputs)
    started = time.process_time()
    data = draw(request, 1)
    return (time.process_time() - started) * 1000, len(data)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)

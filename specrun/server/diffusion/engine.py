"""The engine that runs weights of one's own."""

import asyncio
import io
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.server.diffusion.own_classes import CodeError, offer_classes
from specrun.server.diffusion.pipelines import Loaded, UnknownPipelineError, load
from specrun.server.diffusion.weights import Weights
from specrun.server.engine import ImageRequest

_LARGEST_SEED = 2**31 - 1


class DiffusersEngine:
    """Makes one image after the other, in a thread: the device has work for no more."""

    name = "diffusers"

    def __init__(self, loaded: Mapping[str, Loaded]) -> None:
        self._loaded = loaded
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="diffusers")

    def fault(self, request: ImageRequest) -> str | None:
        """Return why the weights behind a model cannot serve a request, None where they can."""
        loaded = self._loaded.get(request.model)
        return f"this server has no weights for {request.model}" if loaded is None else loaded.fault(request)

    async def images(self, request: ImageRequest) -> Sequence[bytes]:
        """Return `request.count` PNG files; the first has the request's seed, each further one the next."""
        given_up = threading.Event()
        loop = asyncio.get_running_loop()
        first = int(request.number("seed") or 0)
        made = []
        try:
            for index in range(request.count):
                seed = (first + index) % (_LARGEST_SEED + 1)
                made.append(await loop.run_in_executor(self._thread, self._image, request, seed, given_up))
        except asyncio.CancelledError:
            given_up.set()  # the pipeline stops after the step that it is at
            raise
        return made

    async def aclose(self) -> None:
        """Let go of the thread."""
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    def _image(self, request: ImageRequest, seed: int, given_up: threading.Event) -> bytes:
        image = self._loaded[request.model].image(request, seed, given_up.is_set)
        stream = io.BytesIO()
        image.save(stream, "PNG")
        return stream.getvalue()


def load_engine(weights: Weights) -> DiffusersEngine:
    """Load all weights, each folder once; raises `InvalidInputError` where a folder or the code cannot be used."""
    if weights.code is not None:
        try:
            offer_classes(weights.code)
        except CodeError as error:
            raise _unusable("code cannot be run", str(error), "correct it, or leave code: out") from error
    folders: dict[Path, Loaded] = {}
    for model, folder in weights.models.items():
        if folder not in folders:
            try:
                folders[folder] = load(folder, weights)
            except UnknownPipelineError as error:
                raise _unusable("weights cannot be loaded", f"{model}: {error}", error.hint) from error
            except (OSError, ValueError) as error:
                hint = "name a folder that DiffusionPipeline.from_pretrained can load"
                raise _unusable("weights cannot be loaded", f"{model}: {error}", hint) from error
    return DiffusersEngine({model: folders[folder] for model, folder in weights.models.items()})


def _unusable(summary: str, detail: str, hint: str) -> InvalidInputError:
    return InvalidInputError(Diagnostic(summary=summary, detail=detail, hint=hint))

"""Diffusers' pipelines, each asked for an image in its own terms."""

from collections.abc import Callable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import diffusers
import msgspec
import torch
from diffusers import DiffusionPipeline, FluxImg2ImgPipeline
from PIL import Image

from specrun.server.diffusion.weights import Weights
from specrun.server.engine import ImageRequest
from specrun.server.render.geometry import picture_size

_STEP = 16  # pixels that the sides of what a pipeline makes are multiples of
_STEPS, _GUIDANCE, _STRENGTH = 28, 2.5, 0.8
_NEGATIVE_SCALE = 2.0  # how strongly FLUX, which has guidance built in, is pushed away from a negative prompt

# Says after each step whether to stop.
Stop = Callable[[], bool]


class UnknownPipelineError(Exception):
    """A folder of weights for a pipeline that is not known here, or not to the diffusers that is installed."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline in memory, by its class's name."""

    kind: str
    pipeline: Any

    def fault(self, request: ImageRequest) -> str | None:
        """Return why the pipeline cannot serve a request, None where it can."""
        most, least = _INPUTS[self.kind]
        if len(request.inputs) > most:
            return f"the weights behind {request.model} take one image, not {len(request.inputs)}"
        if len(request.inputs) < least:
            return f"the weights behind {request.model} need an image"
        return None

    def image(self, request: ImageRequest, seed: int, stop: Stop) -> Image.Image:
        """Return one image of the size that the request asks for."""
        size = picture_size(request)
        image = _MAKERS[self.kind](self.pipeline, request, _made_size(size), _common(request, seed, stop))
        # An edit without geometry is as large as the pipeline likes it.
        exact = request.text("size") is not None or request.text("aspect_ratio") is not None
        return image.resize(size, Image.Resampling.LANCZOS) if exact and image.size != size else image


def load(folder: Path, weights: Weights) -> Loaded:
    """Load a folder of weights; raises `UnknownPipelineError`, and `OSError` or `ValueError` for damaged ones."""
    kind = str(DiffusionPipeline.load_config(folder, local_files_only=True).get("_class_name"))
    if kind not in _MAKERS:
        raise UnknownPipelineError(
            f"{folder} is for {kind}; known here are {', '.join(_MAKERS)}",
            hint="name a folder of weights for one of them",
        )
    if not hasattr(diffusers, kind):
        raise UnknownPipelineError(
            f"{folder} is for {kind}, which diffusers {diffusers.__version__}, the installed one, does not have",
            hint="install a diffusers that has it, or name a Python file that defines it and its models as code: FILE",
        )
    device = weights.device or _best_device()
    dtype = getattr(torch, weights.dtype or ("float32" if device == "cpu" else "bfloat16"))
    try:
        pipeline = DiffusionPipeline.from_pretrained(folder, dtype=dtype, local_files_only=True)
    except AttributeError as error:
        raise UnknownPipelineError(
            f"{folder} has a part that the installed diffusers does not have: {error}",
            hint="install the versions that the weights were saved with, or define the part in the file named as code:",
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    if weights.offload:
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline.to(device)
    return Loaded(kind=kind, pipeline=pipeline)


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _common(request: ImageRequest, seed: int, stop: Stop) -> dict[str, Any]:
    """Return the arguments that all pipelines take alike."""

    def after_step(pipeline: Any, _step: int, _time: Any, values: dict[str, Any]) -> dict[str, Any]:
        pipeline._interrupt = stop()  # noqa: SLF001 - diffusers' documented way to interrupt
        return values

    guidance, steps = request.number("guidance_scale"), request.number("steps")
    return {
        "prompt": request.prompt,
        "guidance_scale": float(_GUIDANCE if guidance is None else guidance),
        "num_inference_steps": int(_STEPS if steps is None else steps),
        # The noise comes from the processor, so that a seed means the same on every device.
        "generator": torch.Generator("cpu").manual_seed(seed),
        "callback_on_step_end": after_step,
    }


def _flux(pipeline: Any, request: ImageRequest, size: tuple[int, int], common: dict[str, Any]) -> Image.Image:
    """FLUX.1: from the prompt, or from an image that `strength` says how far to transform."""
    arguments = common | {"width": size[0], "height": size[1]} | _negative(request)
    if not request.inputs:
        return _first(pipeline(**arguments))
    given = request.number("strength")
    strength = float(_STRENGTH if given is None else given)
    image = request.inputs[0].resize(size, Image.Resampling.LANCZOS)
    if int(common["num_inference_steps"] * strength) < 1:
        return image  # no step is left that would change it
    transforming = FluxImg2ImgPipeline(**pipeline.components)
    transforming.set_progress_bar_config(disable=True)
    return _first(transforming(**arguments, image=image, strength=strength))


def _kontext(pipeline: Any, request: ImageRequest, size: tuple[int, int], common: dict[str, Any]) -> Image.Image:
    """FLUX.1 Kontext: an edit of an image, or an image from the prompt alone."""
    arguments = common | {"width": size[0], "height": size[1], "max_area": size[0] * size[1]} | _negative(request)
    return _first(pipeline(**arguments, image=request.inputs[0] if request.inputs else None))


def _step1x(pipeline: Any, request: ImageRequest, size: tuple[int, int], common: dict[str, Any]) -> Image.Image:
    """Step1X-Edit: an edit of an image; `size_level` is the square root of the area.

    Its pipeline comes in several editions, so each is given what it takes. In the later one guidance has another name,
    and a model that thinks would rewrite the prompt: what was asked for is what is made.
    """
    taken = signature(pipeline).parameters
    arguments = common | {"image": request.inputs[0], "size_level": round((size[0] * size[1]) ** 0.5)}
    if "callback_on_step_end" not in taken:
        del arguments["callback_on_step_end"]
    if "true_cfg_scale" in taken:
        arguments["true_cfg_scale"] = arguments["guidance_scale"]
    if "enable_thinking_mode" in taken:
        arguments["enable_thinking_mode"] = False
    if negative := request.text("negative_prompt"):
        arguments["negative_prompt"] = negative
    return _first(pipeline(**arguments))


def _negative(request: ImageRequest) -> dict[str, Any]:
    negative = request.text("negative_prompt")
    return {"negative_prompt": negative, "true_cfg_scale": _NEGATIVE_SCALE} if negative else {}


def _first(output: Any) -> Image.Image:
    image: Image.Image = output.images[0]
    return image


def _made_size(size: tuple[int, int]) -> tuple[int, int]:
    return -(-size[0] // _STEP) * _STEP, -(-size[1] // _STEP) * _STEP


_Maker = Callable[[Any, ImageRequest, tuple[int, int], dict[str, Any]], Image.Image]
_MAKERS: Mapping[str, _Maker] = {
    "FluxPipeline": _flux,
    "FluxKontextPipeline": _kontext,
    "Step1XEditPipeline": _step1x,
    "Step1XEditPipelineV1P2": _step1x,
}

# The most and the fewest images that each can be given.
_INPUTS: Mapping[str, tuple[int, int]] = {
    "FluxPipeline": (1, 0),
    "FluxKontextPipeline": (1, 0),
    "Step1XEditPipeline": (1, 1),
    "Step1XEditPipelineV1P2": (1, 1),
}

"""The engine for weights of one's own, with tiny random ones; needs the extra `diffusers`."""

import asyncio
import base64
import importlib.util
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_server import FLUX, Start, image_of
from PIL import Image

from specrun.canonical import Json

MISSING = [name for name in ("torch", "diffusers", "transformers") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"specrun[diffusers] is not installed: no {', '.join(MISSING)}"),
    pytest.mark.filterwarnings("default"),  # what these libraries warn of is theirs
]

KONTEXT = "black-forest-labs/Flux-Kontext-Pro"
TO_IMAGE = "black-forest-labs/Flux-Kontext-Pro-text2image"
SEVERAL = "black-forest-labs/Flux-Kontext-Pro-multi"
STEP1X = "stepfun-ai/Step1X-Edit"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tiny_weights import save_flux, save_kontext

    folder = tmp_path_factory.mktemp("weights")
    save_flux(folder / "flux")
    save_kontext(folder / "kontext")
    models = {FLUX: "flux", KONTEXT: "kontext", TO_IMAGE: "kontext", SEVERAL: "kontext"}
    lines = ["device: cpu", "models:", *(f"  {model}: {name}" for model, name in models.items())]
    (folder / "gpu.yaml").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


@pytest.fixture(scope="module")
def client(weights: Path) -> Iterator[httpx.Client]:
    start = Start(weights)
    served = start("--engine", "diffusers", "--weights", "gpu.yaml")
    with httpx.Client(base_url=served.url, timeout=300) as client:
        yield client
    start.stop()


def made(client: httpx.Client, model: str, **params: Any) -> bytes:
    body = {"model": model, "prompt": "a lamp", "seed": 1, "response_format": "b64_json"} | params
    reply = client.post("/v1/images/generations", json=body)
    assert reply.status_code == 200, reply.text
    return base64.b64decode(reply.json()["data"][0]["b64_json"])


def refusal(client: httpx.Client, model: str, **params: Any) -> str:
    reply = client.post("/v1/images/generations", json={"model": model, "prompt": "a lamp"} | params)
    assert reply.status_code == 400
    return str(reply.json()["error"]["message"])


def photo(colour: str = "teal") -> str:
    stream = io.BytesIO()
    Image.new("RGB", (96, 64), colour).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def test_only_models_with_weights_are_listed(client: httpx.Client) -> None:
    assert {model["id"] for model in client.get("/v1/models").json()["data"]} == {FLUX, KONTEXT, TO_IMAGE, SEVERAL}
    assert client.get("/healthz").json()["engine"] == "diffusers"


def test_flux_makes_images_of_the_size_asked_for(client: httpx.Client) -> None:
    assert image_of(made(client, FLUX, size="300x256", steps=2)).size == (300, 256)


def test_a_seed_means_the_same_image_and_another_seed_another(client: httpx.Client) -> None:
    small = {"size": "256x256", "steps": 2}
    assert made(client, FLUX, **small) == made(client, FLUX, **small)
    assert made(client, FLUX, **small) != made(client, FLUX, **small | {"seed": 2})


def test_several_images_go_on_from_the_seed(client: httpx.Client) -> None:
    body = {"model": FLUX, "prompt": "a lamp", "seed": 1, "n": 2, "size": "256x256", "steps": 1}
    reply = client.post("/v1/images/generations", json=body | {"response_format": "b64_json"})
    second = base64.b64decode(reply.json()["data"][1]["b64_json"])
    assert second == made(client, FLUX, seed=2, size="256x256", steps=1)


def test_strength_says_how_much_of_an_image_stays(client: httpx.Client) -> None:
    def distance(strength: float) -> float:
        image = image_of(made(client, FLUX, image=photo(), strength=strength, size="256x256", steps=4))
        return sum(abs(value - meant) for value, meant in zip(image.tobytes(), (0, 128, 128) * 65536, strict=True))

    assert distance(0) == 0
    assert made(client, FLUX, image=photo(), strength=0.5, size="256x256", steps=4) != made(
        client, FLUX, image=photo("red"), strength=0.5, size="256x256", steps=4
    )


@pytest.mark.parametrize("params", [{"guidance_scale": 9}, {"steps": 3}, {"prompt": "a chair"}], ids=str)
def test_every_parameter_reaches_the_pipeline(client: httpx.Client, params: dict[str, Any]) -> None:
    usual = {"size": "256x256", "steps": 2}
    assert made(client, FLUX, **usual) != made(client, FLUX, **usual | params)


def test_kontext_edits_an_image_in_its_own_ratio(client: httpx.Client) -> None:
    edited = image_of(made(client, KONTEXT, image=photo()))
    assert abs(edited.width / edited.height - 1.5) < 0.05


def test_kontext_makes_an_image_from_the_prompt_alone(client: httpx.Client) -> None:
    assert image_of(made(client, TO_IMAGE, aspect_ratio="16:9")).size == (1360, 768)


def test_what_the_weights_cannot_do_is_said(client: httpx.Client) -> None:
    assert "take one image, not 2" in refusal(client, SEVERAL, images=[photo(), photo()])
    assert "no model is called" in refusal(client, STEP1X, image=photo())


def test_a_pipeline_that_is_not_known_is_named(weights: Path, tmp_path: Path) -> None:
    from specrun.diagnostics import InvalidInputError
    from specrun.server.diffusion.engine import load_engine
    from specrun.server.diffusion.weights import Weights

    index = (weights / "flux" / "model_index.json").read_text("utf-8")
    (tmp_path / "model_index.json").write_text(index.replace("FluxPipeline", "SomeOtherPipeline"), "utf-8")
    with pytest.raises(InvalidInputError, match="is for SomeOtherPipeline; known here are FluxPipeline"):
        load_engine(Weights(models={FLUX: tmp_path}, device="cpu"))


def test_step1x_weights_without_their_pipeline_are_said_to_need_it(weights: Path, tmp_path: Path) -> None:
    import diffusers

    from specrun.diagnostics import InvalidInputError
    from specrun.server.diffusion.engine import load_engine
    from specrun.server.diffusion.weights import Weights

    index = (weights / "flux" / "model_index.json").read_text("utf-8")
    (tmp_path / "model_index.json").write_text(index.replace("FluxPipeline", "Step1XEditPipeline"), "utf-8")
    if hasattr(diffusers, "Step1XEditPipeline"):
        pytest.skip("this diffusers has the pipeline")
    with pytest.raises(InvalidInputError) as caught:
        load_engine(Weights(models={STEP1X: tmp_path}, device="cpu"))
    (fault,) = caught.value.diagnostics
    assert f"which diffusers {diffusers.__version__}, the installed one, does not have" in fault.detail
    assert "code: FILE" in fault.hint


@pytest.mark.parametrize("edition", ["Step1XEditPipeline", "Step1XEditPipelineV1P2"])
def test_step1x_edits_images_with_classes_from_the_code_that_the_weights_file_names(
    tmp_path: Path, edition: str
) -> None:
    from tiny_weights import save_step1x

    save_step1x(tmp_path / "step1x", edition)
    shutil.copy(Path(__file__).with_name("tiny_step1x.py"), tmp_path / "classes.py")
    text = f"device: cpu\ncode: classes.py\nmodels: {{{STEP1X}: step1x}}\n"
    (tmp_path / "gpu.yaml").write_text(text, "utf-8")
    start = Start(tmp_path)
    served = start("--engine", "diffusers", "--weights", "gpu.yaml")
    try:
        with httpx.Client(base_url=served.url, timeout=300) as client:
            usual = {"image": photo(), "steps": 1}
            first = made(client, STEP1X, **usual)
            assert made(client, STEP1X, **usual) == first
            size = image_of(first).size
            assert size[0] / size[1] == pytest.approx(1.5, rel=0.05)
            others: list[dict[str, Any]] = [
                {"seed": 2},
                {"steps": 2},
                {"guidance_scale": 9},
                {"prompt": "a chair"},
                {"negative_prompt": "blur"},
                {"image": photo("red")},
            ]
            images = {made(client, STEP1X, **usual | other) for other in others}
            assert len(images | {first}) == 1 + len(others)
            assert "need an image" in refusal(client, STEP1X)
    finally:
        start.stop()


def test_code_that_fails_is_said_and_code_beside_weights_is_never_run(weights: Path, tmp_path: Path) -> None:
    from specrun.diagnostics import InvalidInputError
    from specrun.server.diffusion.engine import load_engine
    from specrun.server.diffusion.weights import Weights

    (tmp_path / "classes.py").write_text("import nowhere\n", "utf-8")
    with pytest.raises(InvalidInputError, match="fails: ModuleNotFoundError: No module named 'nowhere'"):
        load_engine(Weights(models={FLUX: weights / "flux"}, device="cpu", code=tmp_path / "classes.py"))
    shutil.copytree(weights / "flux", tmp_path / "flux")
    trap = f"from pathlib import Path\nPath({str(tmp_path / 'run')!r}).touch()\nclass FluxPipeline: pass\n"
    for name in ("pipeline.py", "FluxPipeline.py", "transformer/diffusers.py", "flux.py"):
        (tmp_path / "flux" / name).write_text(trap, "utf-8")
    index = tmp_path / "flux" / "model_index.json"
    plain = index.read_text("utf-8")
    for text in (plain, plain.replace('"FluxPipeline"', '["pipeline", "FluxPipeline"]')):
        index.write_text(text, "utf-8")
        with pytest.raises(InvalidInputError, match="cannot be loaded"):
            load_engine(Weights(models={FLUX: tmp_path / "flux"}, device="cpu"))
    assert not (tmp_path / "run").exists()


def test_step1x_is_asked_in_its_own_terms() -> None:
    from specrun.server.diffusion.engine import DiffusersEngine
    from specrun.server.diffusion.pipelines import Loaded
    from specrun.server.engine import ImageRequest

    asked: dict[str, Any] = {}

    class Output:
        images = (Image.new("RGB", (48, 32)),)

    def pipeline(**arguments: Any) -> Output:
        asked.update(arguments)
        return Output()

    async def story() -> None:
        engine = DiffusersEngine({STEP1X: Loaded(kind="Step1XEditPipeline", pipeline=pipeline)})
        params: dict[str, Json] = {
            "prompt": "more light",
            "seed": 7,
            "steps": 5,
            "guidance_scale": 4,
            "negative_prompt": "blur",
        }
        without = ImageRequest(model=STEP1X, params=params)
        assert engine.fault(without) == f"the weights behind {STEP1X} need an image"
        (data,) = await engine.images(ImageRequest(model=STEP1X, params=params, inputs=(Image.new("RGB", (96, 64)),)))
        assert image_of(data).size == (48, 32)
        await engine.aclose()

    asyncio.run(story())
    assert asked.pop("generator").initial_seed() == 7
    assert asked.pop("image").size == (96, 64)
    assert asked == {
        "prompt": "more light",
        "negative_prompt": "blur",
        "guidance_scale": 4.0,
        "num_inference_steps": 5,
        "size_level": 1019,
    }


def test_a_request_that_is_given_up_stops_after_its_step(weights: Path) -> None:
    from specrun.server.diffusion.engine import load_engine
    from specrun.server.diffusion.weights import Weights
    from specrun.server.engine import ImageRequest

    engine = load_engine(Weights(models={FLUX: weights / "flux"}, device="cpu"))
    long = ImageRequest(model=FLUX, params={"prompt": "x", "seed": 1, "size": "256x256", "steps": 100_000})

    async def story() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await engine.images(long)
        await asyncio.wait_for(engine.aclose(), timeout=60)

    asyncio.run(story())

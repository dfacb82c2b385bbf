from pathlib import Path

import pytest
from api_server import FLUX, Start
from test_server_process import run

from specrun.diagnostics import InvalidInputError
from specrun.server.diffusion.weights import Weights, load_weights

KNOWN = (FLUX, "stepfun-ai/Step1X-Edit")


def write(folder: Path, text: str) -> Path:
    (folder / "flux").mkdir()
    (folder / "flux" / "model_index.json").write_text("{}", "utf-8")
    (folder / "gpu.yaml").write_text(text, "utf-8")
    return folder / "gpu.yaml"


def test_folders_are_named_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "own.py").touch()
    text = f"device: cuda:1\ndtype: float16\noffload: true\ncode: own.py\nmodels: {{{FLUX}: flux}}\n"
    assert load_weights(write(tmp_path, text), KNOWN) == Weights(
        models={FLUX: (tmp_path / "flux").resolve()},
        device="cuda:1",
        dtype="float16",
        offload=True,
        code=(tmp_path / "own.py").resolve(),
    )


def test_all_faults_of_a_weights_file_are_told(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "dtype: int4\nweights: x\nmodels:\n  stepfun-ai/Step1X: flux\n  stepfun-ai/Step1X-Edit: nowhere\n"
        "code: own.py\n",
    )
    with pytest.raises(InvalidInputError) as caught:
        load_weights(path, KNOWN)
    assert [(fault.span.line if fault.span else 0, fault.summary) for fault in caught.value.diagnostics] == [
        (1, "value not allowed"),
        (2, "unknown key"),
        (4, "unknown model"),
        (5, "no weights"),
        (6, "no code"),
    ]


def test_the_engine_wants_weights() -> None:
    ended = run("--engine", "diffusers")
    assert ended.returncode == 64
    assert "none are named" in ended.stderr


def test_the_drawing_engine_imports_nothing_of_the_other(start: Start, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise SystemExit('imported')", "utf-8")
    (tmp_path / "diffusers.py").write_text("raise SystemExit('imported')", "utf-8")
    assert start(env={"PYTHONPATH": str(tmp_path)}).interrupt() == 0

"""Classes that diffusers lacks, from a Python file of the user's."""

import importlib.util
import sys
from pathlib import Path

import diffusers
from diffusers import DiffusionPipeline, ModelMixin

_MODULE = "specrun_own_classes"


class CodeError(Exception):
    """A file that cannot be run; the message says why."""


def offer_classes(path: Path) -> None:
    """Run a Python file, and let diffusers find its pipelines and models under their names, as if they were its own.

    What the installed diffusers has itself stays as it is. Raises `CodeError`.
    """
    spec = importlib.util.spec_from_file_location(_MODULE, path)
    if spec is None or spec.loader is None:
        raise CodeError(f"{path} is not named like a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise CodeError(f"{path} fails: {type(error).__name__}: {error}") from error
    for name, value in vars(module).items():
        offered = isinstance(value, type) and issubclass(value, (DiffusionPipeline, ModelMixin))
        if offered and not hasattr(diffusers, name):
            setattr(diffusers, name, value)

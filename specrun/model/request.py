"""The request digest: a run's recipe with the real digests of its input images."""

from collections.abc import Callable
from typing import Any

from specrun.canonical import canonical_digest
from specrun.model.inputs import InputImage, OutputImage, Param
from specrun.model.run import Run, images_in


def request_digest(run: Run, digest_of: Callable[[InputImage], str | None]) -> str | None:
    """Return the digest of what a run sends; None while `digest_of` does not know every input's bytes.

    Equals the key where no input is chained.
    """
    if run.key is not None and not any(isinstance(image, OutputImage) for image in run.inputs):
        return run.key
    params: dict[str, Any] = {}
    for name, value in run.params.items():
        images = images_in(value)
        digests = [digest_of(image) for image in images]
        if None in digests:
            return None
        params[name] = _sent(value, digests)
    recipe: dict[str, Any] = {"model": run.model, "params": params, "provider": run.provider, "revision": run.revision}
    if run.seed is None:
        recipe["sample"] = run.sample
    return canonical_digest(recipe)


def _sent(value: Param, digests: list[str | None]) -> Any:
    if not digests:
        return value
    return list(digests) if isinstance(value, (list, tuple)) else digests[0]

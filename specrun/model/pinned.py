"""A run's pins as a lock row, without what came of it."""

from collections.abc import Callable

from specrun.model.inputs import InputImage, recipe_param
from specrun.model.lock import LockRow
from specrun.model.run import Run


def pinned_row(run: Run, digest_of: Callable[[InputImage], str | None], sent: str | None, take: int) -> LockRow:
    """Return the pins of a run; `sent` is the request digest, `digest_of` tells those of its input images."""
    return LockRow(
        address=run.address,
        key=run.key,
        request_digest=sent,
        take=take,
        seed=run.seed,
        provider=run.provider,
        model=run.model,
        params={name: recipe_param(value) for name, value in run.params.items()},
        defaults=run.defaults,
        revision=run.revision,
        sample=run.sample,
        schema_digest=run.schema_digest,
        inputs={image.source: digest_of(image) for image in run.inputs},
    )

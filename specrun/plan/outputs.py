"""Where a job's images are delivered: its `output` template, or the default made of labels."""

from collections.abc import Sequence
from typing import Any, cast

from specrun.diagnostics import Diagnostic, Span
from specrun.plan.columns import Batch, Grid, TextColumn, failures
from specrun.plan.faults import Failed
from specrun.plan.labels import fit
from specrun.plan.paths import (
    PathProblemError,
    all_plain,
    checked,
    default_paths,
    indexed,
    is_sound,
    shortened,
    with_extension,
)
from specrun.plan.recipes import Recipes
from specrun.plan.template import LATER, Joined

# Far more than any service gives; a slip of the pen must not name files for hours.
MOST_IMAGES = 1000
MOST_IN_A_JOB = 500_000


class OutputNamer:
    """Names the outputs of one job's runs."""

    def __init__(self, job: str, template: Joined | None, span: Span, grid: Grid, max_runs: int) -> None:
        self._job = job
        self._span = span
        self._count = 0
        self._most = max(MOST_IN_A_JOB, max_runs)
        self._template = None if template is None else TextColumn(grid, template, LATER)
        reads = [part.names for part in template.parts if not isinstance(part, str)] if template is not None else []
        self._indexes_itself = any("index" in names for names in reads)
        # Of a path without a template, only the job's own folder may be refused.
        self._sound = template is None and is_sound(f"{fit(job, job)}/image.png")

    def names(
        self, batch: Batch, labels: Sequence[Sequence[str]], samples: Sequence[int] | None, recipes: Recipes, ext: str
    ) -> list[tuple[str, ...] | Failed]:
        """Return one path an image of each cell, or why there is none.

        `labels` hold a list an axis; `samples` is None where the job has no samples, `ext` comes without a dot.
        """
        images = recipes.images()
        failed = self._too_many(images)
        if failed:
            images = [0 if position in failed else count for position, count in enumerate(images)]
        most = max(images)
        columns = [
            self._paths(batch, labels, samples, recipes, ext, index)
            for index in range(1, most + 1 if self._indexes_itself else 2)
        ]
        failed = {**failures(columns), **failed}
        if most == 1 and not failed and (self._sound or all_plain(cast("list[str]", columns[0]), ext)):
            return cast("list[tuple[str, ...] | Failed]", list(zip(*columns, strict=True)))
        return [
            failed.get(position) or self._checked([str(column[position]) for column in columns], count, ext)
            for position, count in enumerate(images)
        ]

    def _too_many(self, images: Sequence[int]) -> dict[int, Failed]:
        if max(images) <= MOST_IMAGES and self._count + sum(images) <= self._most:
            self._count += sum(images)
            return {}
        failed = {}
        for position, count in enumerate(images):
            self._count += count
            if count > MOST_IMAGES or self._count > self._most:
                detail = (
                    f"one request may ask for {MOST_IMAGES:,} images, a job for {self._most:,}; here n is {count:,}"
                )
                fault = Diagnostic(summary="too many images", detail=detail, span=self._span, hint="lower `n`")
                failed[position] = Failed((fault,))
        return failed

    def _checked(self, paths: Sequence[str], images: int, ext: str) -> tuple[str, ...] | Failed:
        names = [with_extension(shortened(path), ext) for path in paths[:images]]
        if images > 1 and not self._indexes_itself:
            names = [indexed(names[0], index) for index in range(1, images + 1)]
        try:
            return tuple([checked(name) for name in names])
        except PathProblemError as error:
            detail = f'"{names[0]}" cannot be an output path: {error}'
            return Failed((Diagnostic(summary="output path refused", detail=detail, span=self._span),))

    def _paths(
        self,
        batch: Batch,
        labels: Sequence[Sequence[str]],
        samples: Sequence[int] | None,
        recipes: Recipes,
        ext: str,
        index: int,
    ) -> list[str | Failed]:
        if self._template is None:
            return [f"{path}.{ext}" for path in default_paths(self._job, labels, samples, len(batch))]
        known: dict[str, Sequence[Any]] = {
            "index": [index] * len(batch),
            "key": [None if key is None else key.removeprefix("sha256:") for key in recipes.keys],
            "seed": recipes.seeds,
            "ext": [ext] * len(batch),
        }
        return self._template.all(batch, known)

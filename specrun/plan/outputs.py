"""Where a job's images are delivered: its `output` template, or the default made of labels."""

from specrun.diagnostics import Diagnostic, Span
from specrun.plan.columns import Cell, Grid, TextColumn
from specrun.plan.faults import Failed
from specrun.plan.paths import PathProblemError, checked, default_path, indexed, shortened, with_extension
from specrun.plan.recipes import Recipe
from specrun.plan.template import LATER, Joined

# Far more than any service gives; a slip of the pen must not name files for hours.
MOST_IMAGES = 1000
MOST_IN_A_JOB = 500_000


class OutputNamer:
    """Names the outputs of one job's runs."""

    def __init__(self, job: str, template: Joined | None, span: Span, grid: Grid) -> None:
        self._job = job
        self._span = span
        self._count = 0
        self._template = None if template is None else TextColumn(grid, template, LATER)
        reads = [part.names for part in template.parts if not isinstance(part, str)] if template is not None else []
        self._indexes_itself = any("index" in names for names in reads)

    def names(
        self, cell: Cell, labels: tuple[str, ...], sample: int | None, recipe: Recipe, ext: str
    ) -> tuple[str, ...] | Failed:
        """Return one path an image; `sample` is None where the job has no samples, `ext` comes without a dot."""
        count = recipe.params.get("n", 1)
        images = count if isinstance(count, int) else 1
        self._count += images
        if images > MOST_IMAGES or self._count > MOST_IN_A_JOB:
            detail = (
                f"one request may ask for {MOST_IMAGES:,} images, a job for {MOST_IN_A_JOB:,}; here n is {images:,}"
            )
            return Failed((Diagnostic(summary="too many images", detail=detail, span=self._span, hint="lower `n`"),))
        paths = [
            self._path(cell, labels, sample, recipe, ext, index)
            for index in range(1, images + 1 if self._indexes_itself else 2)
        ]
        names = []
        for path in paths:
            if isinstance(path, Failed):
                return path
            names.append(with_extension(path, ext))
        if images > 1 and not self._indexes_itself:
            names = [indexed(names[0], index) for index in range(1, images + 1)]
        try:
            return tuple([checked(name) for name in names])
        except PathProblemError as error:
            detail = f'"{names[0]}" cannot be an output path: {error}'
            return Failed((Diagnostic(summary="output path refused", detail=detail, span=self._span),))

    def _path(
        self, cell: Cell, labels: tuple[str, ...], sample: int | None, recipe: Recipe, ext: str, index: int
    ) -> str | Failed:
        if self._template is None:
            return default_path(self._job, labels, sample)
        key = None if recipe.key is None else recipe.key.removeprefix("sha256:")
        path = self._template.at(cell, {"index": index, "key": key, "seed": recipe.seed, "ext": ext})
        return path if isinstance(path, Failed) else shortened(path)

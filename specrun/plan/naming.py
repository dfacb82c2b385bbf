"""The labels and addresses of a job's cells, a batch at a time."""

from collections.abc import Sequence

from specrun.plan.axes import Axis
from specrun.plan.columns import Batch
from specrun.plan.labels import quoted


class Naming:
    """Names the cells of one job; where it is `sampled`, its last axis is the sample."""

    def __init__(self, job: str, axes: Sequence[Axis], *, sampled: bool) -> None:
        self._job = job
        self._axes = axes
        self._sampled = sampled
        # Each label as it stands in an address, with what parts it from what comes before.
        self._shown = [
            [f"{',' if position else f'{job}['}{axis.name}={quoted(label)}" for label in axis.labels]
            for position, axis in enumerate(axes)
        ]

    def addresses(self, batch: Batch) -> list[str]:
        """Return each cell's address."""
        if not self._axes:
            return [self._job] * len(batch)
        shown = [map(texts.__getitem__, batch.along(position)) for position, texts in enumerate(self._shown)]
        return list(map("".join, zip(*shown, ["]"] * len(batch), strict=True)))

    def labels(self, batch: Batch) -> list[list[str]]:
        """Return each cell's labels, a list an axis."""
        return [list(map(axis.labels.__getitem__, batch.along(position))) for position, axis in enumerate(self._axes)]

    def samples(self, batch: Batch) -> list[int] | None:
        """Return the number of each cell's sample; None where the job has no samples."""
        if not self._sampled:
            return None
        return list(map(self._axes[-1].values.__getitem__, batch.along(len(self._axes) - 1)))

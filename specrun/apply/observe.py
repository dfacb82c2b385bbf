"""What came back against what was asked for: remarks that a person should hear once a job."""

import re
from collections.abc import Callable, Iterable

from specrun.apply.events import Event, Warned
from specrun.catalog.schema import ModelSchema
from specrun.diagnostics import Diagnostic, Severity
from specrun.model.run import Run
from specrun.store.attempts import StoredImage

_SIZE = re.compile(r"(\d+)x(\d+)")


class Observer:
    """Looks at the images of each reply, and remarks on a kind of difference once for each job."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._remarked: set[tuple[str, str]] = set()
        self._seeds: dict[tuple[str, str], tuple[int | None, int]] = {}

    def look(self, run: Run, model: ModelSchema, images: Iterable[StoredImage]) -> None:
        """Compare size, type, count and sameness with the request."""
        wanted = _SIZE.fullmatch(str(run.params.get("size")))
        for image in images:
            facts = image.facts
            size = f"{facts.width}x{facts.height}"
            if wanted and (facts.width, facts.height) != (int(wanted[1]), int(wanted[2])):
                self._remark(run, "size differs", f"asked for {wanted[0]}, got {size}")
            if facts.media_type != model.facts.media_type:
                said = f"expected {model.facts.media_type}, got {facts.media_type}; file names follow the bytes"
                self._remark(run, "image type differs", said)
            if image.index > run.images:
                self._remark(run, "more images than asked for", "the extra ones are in the store, not in the outputs")
            else:
                self._compare(run, image)

    def _compare(self, run: Run, image: StoredImage) -> None:
        """Remark on the same bytes for two seeds, or twice in one reply."""
        first = self._seeds.setdefault((run.job, image.blob), (run.seed, image.index))
        if first != (run.seed, image.index) and run.seed is not None:
            self._remark(run, "equal images for different seeds", "the server seems to ignore `seed`")

    def _remark(self, run: Run, summary: str, detail: str) -> None:
        if (run.job, summary) in self._remarked:
            return
        self._remarked.add((run.job, summary))
        diagnostic = Diagnostic(summary=summary, detail=detail, severity=Severity.WARNING, example=run.address)
        self._emit(Warned(job=run.job, diagnostic=diagnostic))

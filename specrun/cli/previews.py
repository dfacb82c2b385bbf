"""Drawings of images that are yet to be made, by the sandbox: what a plan can show before a coin is spent."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from PIL import Image

from specrun import __version__
from specrun.canonical import canonical_digest
from specrun.model.inputs import FileImage, InputImage, OutputImage, recipe_param
from specrun.model.plan import Action, Plan
from specrun.model.run import Run, images_in
from specrun.pages.originals import MissingError, Originals
from specrun.server.engine import ImageRequest
from specrun.server.errors import ApiError
from specrun.server.inputs import decode_input
from specrun.server.render.geometry import picture_size
from specrun.server.render.picture import draw
from specrun.store.contained import Contained

# Of a plan for more images than this only the first are drawn: nobody looks at thousands of drawings.
MOST = 1_000
# Drawings are for looking over, and four times as fast at half the size.
_EDGE = 640


class Previews:
    """The drawings of a plan's new images; each is drawn when it is read."""

    def __init__(self, plan: Plan, originals: Originals, root: Path) -> None:
        self._originals = originals
        self._root = root
        self._actions: Mapping[str, Action] = {action.address: action for action in plan.actions}
        self._named: dict[str, tuple[Run, int]] = {}

    def name(self, action: Action, index: int) -> str | None:
        """Return the name of an image's drawing, which stands for its content; None for what is not drawn."""
        if action.run is None or len(self._named) >= MOST:
            return None
        run = action.run
        asked = {name: recipe_param(value) for name, value in run.params.items()}
        name = canonical_digest({"preview": asked, "of": run.model, "index": index, "by": __version__, "edge": _EDGE})
        self._named[name] = (run, index)
        return name

    def read(self, name: str) -> bytes:
        """Return a drawing as a PNG, or an image that is no drawing; raises `MissingError`."""
        if name not in self._named:
            return self._originals.read(name)
        return self._draw(*self._named[name])

    def _draw(self, run: Run, index: int) -> bytes:
        inputs = tuple(self._inputs(run))
        params = {name: recipe_param(value) for name, value in run.params.items() if not images_in(value)}
        width, height = picture_size(ImageRequest(model=run.model, params=params, inputs=inputs))
        scale = min(1.0, _EDGE / max(width, height))
        size = f"{round(width * scale)}x{round(height * scale)}"
        return draw(ImageRequest(model=run.model, params={**params, "size": size}, inputs=inputs), index)

    def _inputs(self, run: Run) -> Iterator[Image.Image]:
        """Return the images that a run is made from, as far as they are known."""
        for image in run.inputs:
            with contextlib.suppress(MissingError, ApiError, OSError):
                yield decode_input(self._input(image), image.source)

    def _input(self, image: InputImage) -> bytes:
        match image:
            case FileImage(path=path):
                return Contained(self._root).read(path)
            case OutputImage(address=address, index=index):
                return self._upstream(address, index)
            case _:
                return self._originals.read(image.digest or "")

    def _upstream(self, address: str, index: int) -> bytes:
        """Return the image of a run that another is made from: a drawing where it will be made anew."""
        action = self._actions.get(address)
        if action is None:
            raise MissingError("the run that makes it is not in this plan")
        if action.asks and action.run is not None:
            return self._draw(action.run, index)
        if action.images:
            return self._originals.read(action.images.get(index, ""))
        row = action.row or action.origin
        outputs = {output.index: output.blob for output in row.outputs} if row is not None else {}
        return self._originals.read(outputs.get(index, ""))

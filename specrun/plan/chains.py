"""Runs that are made from other runs' images, and what it means for them that those change."""

from collections.abc import Iterable, Mapping

from specrun.model.inputs import OutputImage
from specrun.model.plan import Action, Verb
from specrun.model.run import Run


def chains(runs: Iterable[Run]) -> Mapping[str, tuple[OutputImage, ...]]:
    """Return the images of other runs that runs are made from, by the address of those that have any."""
    found = {}
    for run in runs:
        if run.common.inputs:
            found[run.address] = tuple([image for image in run.inputs if isinstance(image, OutputImage)])
    return {address: images for address, images in found.items() if images}


def another_input(image: OutputImage, before: Action, action: Action) -> bool:
    """Whether a run whose images are at hand was made from another image than the one that `before` leaves."""
    if action.verb not in (Verb.KEEP, Verb.RESTORE, Verb.MOVE) and not action.made:
        return False
    if before.asks:
        return True
    rows = (row for row in (action.row, action.origin) if row is not None and row.key == action.key)
    known = next((row.inputs.get(image.source) for row in rows), None)
    return bool(before.made) and known is not None and known != before.images.get(image.index)

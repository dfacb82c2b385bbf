"""What can be known to go wrong before the first request."""

import os
from collections.abc import Iterable
from pathlib import Path

from specrun.apply.delivery import Delivery, DeliveryError
from specrun.apply.place import Place
from specrun.apply.results import Failed
from specrun.diagnostics import Diagnostic, SpecrunError
from specrun.model.plan import Action
from specrun.store.contained import kind_of


class UnwritableError(SpecrunError):
    """A folder that an apply must write to, and cannot."""


def check_writable(place: Place) -> None:
    """Raise `UnwritableError` where state, outputs or lock could not be written."""
    folders = dict.fromkeys(map(_standing, (place.state, place.outputs, place.lock.parent)))
    faults = [_unusable(folder) for folder in folders if not _usable(folder)]
    if faults:
        raise UnwritableError(*faults)


def in_the_way(actions: Iterable[Action], delivery: Delivery) -> dict[str, Failed]:
    """Return which runs that are asked for could not be delivered, and why, by address."""
    found = {}
    for action in actions:
        if action.run is not None and action.verb.asks:
            try:
                delivery.check(action.run)
            except DeliveryError as error:
                found[action.address] = Failed(cause=str(error), hint=f"{error.hint}, then apply again")
    return found


def _usable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _unusable(folder: Path) -> Diagnostic:
    if folder.is_dir():
        detail, hint = "is not a folder that this user may write to", "change its permissions, or apply as its owner"
    else:
        what = "a file" if folder.is_file() else kind_of(folder) or "something else"
        detail, hint = f"is {what}, where a folder should be", "move it away, or give it another name"
    return Diagnostic(summary="folder cannot be written", detail=f"{folder} {detail}", hint=hint)


def _standing(folder: Path) -> Path:
    """Return the folder, or the nearest thing above it that is there, be it a link to nothing."""
    while not os.path.lexists(folder):
        folder = folder.parent
    return folder

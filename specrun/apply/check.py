"""What can be known to go wrong before the first request."""

import os
from collections.abc import Iterable
from pathlib import Path

from specrun.apply.delivery import Delivery, DeliveryError
from specrun.apply.place import Place
from specrun.apply.results import Failed
from specrun.diagnostics import Diagnostic, SpecrunError
from specrun.model.plan import Action, Verb


class UnwritableError(SpecrunError):
    """A folder that an apply must write to, and cannot."""


def check_writable(place: Place) -> None:
    """Raise `UnwritableError` where state, outputs or lock could not be written."""
    faults = [
        Diagnostic(
            summary="folder cannot be written",
            detail=f"{folder} is not a folder that this user may write to",
            hint="change its permissions, or apply as its owner",
        )
        for folder in dict.fromkeys(map(_standing, (place.state, place.outputs, place.lock.parent)))
        if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK))
    ]
    if faults:
        raise UnwritableError(*faults)


def in_the_way(actions: Iterable[Action], delivery: Delivery) -> dict[str, Failed]:
    """Return which runs that are asked for, or would be, could not be delivered, and why, by address."""
    found = {}
    for action in actions:
        if action.run is not None and (action.verb.asks or action.verb is Verb.BLOCKED):
            try:
                delivery.check(action.run)
            except DeliveryError as error:
                found[action.address] = Failed(cause=str(error), hint=f"{error.hint}, then apply again")
    return found


def _standing(folder: Path) -> Path:
    """Return the folder, or the nearest thing above it that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder

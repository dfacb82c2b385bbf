"""One run: what was asked, why, how often, and what came of it."""

from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from specrun.canonical import digest
from specrun.model.lock import LockedOutput, LockRow
from specrun.model.pinned import pinned_row
from specrun.model.plan import Action
from specrun.model.recipe import locked_recipe
from specrun.store.attempts import Attempt
from specrun.store.blobs import Blobs
from specrun.store.contained import Contained


class Standing(Enum):
    """How one image stands on disk."""

    DELIVERED = "as delivered"
    MODIFIED = "modified"
    MISSING = "missing"


class TracedOutput(msgspec.Struct, frozen=True, kw_only=True):
    """One image of a run: `path` on disk, and whether the store holds the bytes received."""

    output: LockedOutput
    path: Path
    standing: Standing
    stored: bool


class RunTrace(msgspec.Struct, frozen=True, kw_only=True):
    """A run as locked, as planned, or both; `recipe` is what its key covers. `spec` is the spec as a person types it.

    `action` is what the plan would do about it now, None where the spec cannot be planned.
    """

    address: str
    spec: str
    row: LockRow
    locked: bool
    recipe: dict[str, Any]
    action: Action | None
    outputs: tuple[TracedOutput, ...]
    attempts: tuple[Attempt, ...]


def trace_run(
    row: LockRow | None, action: Action | None, attempts: tuple[Attempt, ...], spec: str, folder: Path, blobs: Blobs
) -> RunTrace:
    """Trace a run by its row, or before it is locked by its planned action; `folder` is the spec's outputs folder."""
    found = row if row is not None else _unlocked(action)
    return RunTrace(
        address=found.address,
        spec=spec,
        row=found,
        locked=row is not None,
        recipe=locked_recipe(found),
        action=action,
        outputs=tuple(_traced(output, folder, blobs) for output in found.outputs),
        attempts=attempts,
    )


def _unlocked(action: Action | None) -> LockRow:
    """Return the row that a planned run would be pinned as."""
    run = None if action is None else action.run
    if run is None:
        raise ValueError("a run that is neither locked nor planned cannot be traced")
    return pinned_row(run, lambda _image: None, None, 1)


def _traced(output: LockedOutput, folder: Path, blobs: Blobs) -> TracedOutput:
    try:
        found = digest(Contained(folder).read(output.path))
        standing = Standing.DELIVERED if found == output.file else Standing.MODIFIED
    except OSError:
        standing = Standing.MISSING
    return TracedOutput(output=output, path=folder / output.path, standing=standing, stored=blobs.has(output.blob))

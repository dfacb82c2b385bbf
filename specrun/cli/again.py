"""The command that makes a run's images once more, as things stand with it."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from specrun.model.lock import State
from specrun.model.plan import Action, Verb


def again(action: Action | None, spec: Path, options: Sequence[str]) -> str:
    """Return the command, empty where there is none: for a run that the spec does not have, or has with faults.

    `options` are those that the plan was made with. What costs again, where it costs, is only in the command where
    nothing less brings the images.
    """
    if action is None or action.run is None:
        return ""
    words = ["specrun", "apply", *_leave(action), "--target", action.address, *options, os.path.relpath(spec)]
    return shlex.join(words)


def _leave(action: Action) -> list[str]:
    """Return what the user has to say for this run to be asked for."""
    anew = ["--replace", action.address]
    match action.verb:
        case Verb.KEEP:
            return anew
        case Verb.LOST:
            return ["--regenerate-lost"]
        case Verb.HELD if action.origin is not None:
            unknown = action.origin.state is State.UNKNOWN and not action.changes
            return ["--retry-unknown"] if unknown else anew
        case _:
            return []

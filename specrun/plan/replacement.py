"""An address that is to have other images than it has: told as the change that it is, wherever they come from."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from specrun.model.lock import LockRow, State
from specrun.model.output_path import folded, stem
from specrun.model.plan import Action, Change, Verb
from specrun.model.run import Run, images_in
from specrun.plan.changes import changes
from specrun.plan.world import World

NEVER_MADE = "not made yet"
_MADE_ALREADY = "no request: made already"


def as_change(action: Action, run: Run, before: LockRow) -> Action:
    """Return the action with what changes, for a run that stands in place of `before`, another request's images.

    That its new images are at hand spares the request, and makes it no less a change: to a reviewer, and to `protect`.
    """
    found = changes(before, run)
    if action.verb in (Verb.HELD, Verb.LOST):
        return replace(action, row=before, changes=found)
    renamed = before.address != action.address
    takes = (*action.takes, before.address) if renamed else action.takes
    if action.verb is Verb.REPLACE:
        return replace(action, row=before, changes=found, takes=takes)
    made = tuple(action.images.items())
    parts = [f"was {before.address}" if renamed else "", why(found, run), _MADE_ALREADY if made else _asked(action)]
    reason = "; ".join(filter(None, parts))
    # A shared store may have what is asked for because it is lost here.
    origin = action.origin or (None if action.row is before else action.row)
    changed = replace(action, verb=Verb.REPLACE, reason=reason, row=before, changes=found, made=made, takes=takes)
    return replace(changed, origin=origin)


def over_what_stands(action: Action, run: Run, world: World) -> Action:
    """Return the action as it is; a replacement where a pinned run's images go over others that stand there.

    A lock that was pinned anew no longer speaks of those.
    """
    if action.verb not in (Verb.CREATE, Verb.RESTORE, Verb.MOVE):
        return action
    made = action.images
    if not any(world.holds_another(path, run.key, made.get(n)) for n, path in enumerate(run.outputs, 1)):
        return action
    reason = f"{action.reason}; an image of another request stands there"
    return replace(action, verb=Verb.REPLACE, reason=reason, made=tuple(made.items()))


def why(found: tuple[Change, ...], run: Run) -> str:
    """Say in one line what changes; where it is only what a run is made from, that."""
    if found and all(images_in(run.params.get(change.field)) for change in found):
        return "input changes"
    fields = ", ".join(change.field for change in found) or "the recipe"
    return f"{fields} change" if len(found) > 1 or fields.endswith("s") else f"{fields} changes"


def lets_go(action: Action) -> bool:
    """Whether what is done takes the images away that stand at an address: another request's, or another take's."""
    row = action.row
    if action.verb is not Verb.HELD or row is None:
        return action.verb is Verb.REPLACE
    return bool(row.outputs) and row.key != action.key and row.state in (None, State.ORPHAN)


class Paths:
    """The rows that nothing else has taken over, by the paths at which their images stand, suffixes aside."""

    def __init__(self, rows: Iterable[LockRow]) -> None:
        # What a row is held for is not given up for a name.
        settled = (row for row in rows if row.state in (None, State.ORPHAN))
        self._rows: Mapping[str, LockRow] = {_where(output.path): row for row in settled for output in row.outputs}

    def at(self, paths: Iterable[str]) -> LockRow | None:
        """Return the row whose images stand where a run's are, or are to be."""
        if not self._rows:
            return None
        found = (self._rows.get(_where(path)) for path in paths)
        return next((row for row in found if row is not None), None)


def paths_differ(row: LockRow, run: Run) -> bool:
    """Whether outputs stand elsewhere than wanted; the type of the bytes aside, which only delivery knows."""
    wanted = [stem(path) for path in run.outputs]
    return any(output.index > len(wanted) or stem(output.path) != wanted[output.index - 1] for output in row.outputs)


def _where(path: str) -> str:
    return folded(stem(path))


def _asked(action: Action) -> str:
    return "" if action.reason == NEVER_MADE else action.reason

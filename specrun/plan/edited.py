"""Files that a person changed and that a plan would touch: said in the reason of what touches them."""

from collections.abc import Iterator

from msgspec.structs import replace

from specrun.model.lock import LockedOutput
from specrun.model.output_path import stem
from specrun.model.plan import Action, Verb
from specrun.plan.world import World

_TOUCHING = frozenset((Verb.CREATE, Verb.REPLACE, Verb.RESTORE, Verb.MOVE))


def with_edits(actions: tuple[Action, ...], world: World) -> tuple[Action, ...]:
    """Return actions whose reasons also say which files were changed by hand, and what becomes of these."""
    if not world.rows or not world.damaged:
        return actions
    return tuple([_told(action, world) if action.verb in _TOUCHING else action for action in actions])


def _told(action: Action, world: World) -> Action:
    edited = [output.path for output in _before(action) if not world.delivered(output) and world.edited(output.path)]
    if not edited or action.run is None:
        return action
    taken = {stem(path) for path in action.run.outputs}
    aside = [path for path in edited if stem(path) in taken]
    stays = [path for path in edited if stem(path) not in taken]
    parts = [action.reason, *_said(len(aside), "there", "kept aside"), *_said(len(stays), "of before", "left in place")]
    return replace(action, reason="; ".join(parts))


def _before(action: Action) -> Iterator[LockedOutput]:
    rows = (action.row, action.origin if action.verb is Verb.MOVE else None)
    outputs = (output for row in rows if row is not None for output in row.outputs)
    yield from dict.fromkeys(outputs)


def _said(files: int, which: str, fate: str) -> Iterator[str]:
    # In the same words for every run, since runs are listed together by their reason.
    if files == 1:
        yield f"the file {which} was changed by hand, and is {fate}"
    elif files:
        yield f"{files} files {which} were changed by hand, and are {fate}"

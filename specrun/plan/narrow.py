"""A plan narrowed to its targets, with what they need and what follows from them."""

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from specrun.model.inputs import OutputImage
from specrun.model.plan import Action


def narrow(actions: tuple[Action, ...], targets: frozenset[str]) -> tuple[Action, ...]:
    """Keep the targets; bring along, and name, the runs that they need and those whose inputs they change."""
    following = _following(actions, targets)
    needed = _needed(actions, targets | following.keys())
    kept = []
    for action in actions:
        if action.address in targets:
            kept.append(action)
        elif action.address in following:
            kept.append(_also(action, f"follows from {following[action.address]}"))
        elif action.address in needed:
            kept.append(_also(action, f"needed by {needed[action.address]}"))
    return _sharing(kept)


def _sharing(kept: Sequence[Action]) -> tuple[Action, ...]:
    """Let the first of those who shared a request that is left out send it, and the others share that."""
    chosen = {action.address for action in kept}
    senders: dict[str, str] = {}
    shared = []
    for action in kept:
        if action.shares is None or action.shares in chosen:
            shared.append(action)
        else:
            sender = senders.setdefault(action.shares, action.address)
            shared.append(replace(action, shares=None if sender == action.address else sender))
    return tuple(shared)


def _following(actions: tuple[Action, ...], targets: Collection[str]) -> Mapping[str, str]:
    """Return, by address, which chosen run changes the inputs of a run that is then asked for anew."""
    changing = {action.address for action in actions if action.address in targets and action.verb.asks}
    found: dict[str, str] = {}
    for action in actions:
        upstream = next((address for address in _upstream(action) if address in changing), None)
        if upstream is not None and action.verb.asks and action.address not in targets:
            found[action.address] = upstream
            changing.add(action.address)
    return found


def _needed(actions: tuple[Action, ...], chosen: Collection[str]) -> Mapping[str, str]:
    """Return, by address, which chosen run is made from a run that is not chosen itself."""
    found: dict[str, str] = {}
    for action in reversed(actions):
        if action.address in chosen or action.address in found:
            for address in _upstream(action):
                if address not in chosen:
                    found.setdefault(address, action.address)
    return found


def _upstream(action: Action) -> list[str]:
    inputs = () if action.run is None else action.run.inputs
    return [image.address for image in inputs if isinstance(image, OutputImage)]


def _also(action: Action, why: str) -> Action:
    return replace(action, reason=f"{action.reason}; {why}" if action.reason else why)

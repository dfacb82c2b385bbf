"""Which runs are one shard's: by key, so that every machine agrees, and whole chains at a time."""

from collections.abc import Iterable

from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.model.inputs import OutputImage
from specrun.model.plan import Action
from specrun.model.shard import Shard

# Of a digest's 64 hex digits, enough to spread runs evenly.
_DIGITS = 16


def shard_of(actions: Iterable[Action], shard: Shard) -> tuple[Action, ...]:
    """Return a shard's actions, in order; orphans are nobody's.

    Runs that are chained or share a request go together. The smallest key among them says where, so a run stays in its
    shard whatever other runs come and go. Raises `InvalidInputError` where a key is not known yet.
    """
    mine = [action for action in actions if action.run is not None]
    unknown = [action.address for action in mine if action.key is None]
    if unknown:
        detail = f"{unknown[0]}: its key is known only once its input URL has been fetched"
        raise InvalidInputError(
            Diagnostic(
                summary="not ready for shards", detail=detail, hint="run `specrun lock SPEC`, and commit the lock"
            )
        )
    groups = _Groups()
    for action in mine:
        for other in _together(action):
            groups.join(action.address, other)
    smallest: dict[str, str] = {}
    for action in mine:
        group, key = groups.of(action.address), str(action.key)
        smallest[group] = min(smallest.get(group, key), key)
    return tuple(action for action in mine if _number(smallest[groups.of(action.address)], shard.count) == shard.number)


def _together(action: Action) -> Iterable[str]:
    """Yield what an action must share a machine with: its chained inputs, and runs of the same key."""
    yield str(action.key)
    if action.run is not None:
        yield from (image.address for image in action.run.inputs if isinstance(image, OutputImage))


def _number(key: str, count: int) -> int:
    digits = key.removeprefix("sha256:")[:_DIGITS]
    return int(digits, 16) % count + 1


class _Groups:
    """Names joined into groups (union-find); an address is never spelt as a key is."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def of(self, name: str) -> str:
        """Return the name that stands for a whole group."""
        while (parent := self._parents.get(name, name)) != name:
            self._parents[name] = self._parents.get(parent, parent)
            name = parent
        return name

    def join(self, one: str, other: str) -> None:
        """Make two names' groups one."""
        self._parents[self.of(one)] = self.of(other)

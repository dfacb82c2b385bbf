"""Which action is next: plan order, and never before the images it is made from."""

import asyncio
from collections.abc import Iterable

from specrun.model.inputs import OutputImage
from specrun.model.plan import Action


class Schedule:
    """Hands out actions to workers; an action is ready once all it needs among `actions` are `finished`."""

    def __init__(self, actions: Iterable[Action], *, workers: int) -> None:
        self._actions = list(actions)
        self._workers = workers
        self._left = len(self._actions)
        self._missing: dict[int, int] = {}
        self._dependants: dict[str, list[int]] = {}
        self._ready: asyncio.PriorityQueue[int] = asyncio.PriorityQueue()
        here = {action.address for action in self._actions}
        for position, action in enumerate(self._actions):
            needed = _needs(action) & here
            for address in needed:
                self._dependants.setdefault(address, []).append(position)
            if needed:
                self._missing[position] = len(needed)
            else:
                self._ready.put_nowait(position)
        if not self._actions:
            self.close()

    async def next(self) -> Action | None:
        """Return the next action, None once there is none left or the schedule is closed."""
        position = await self._ready.get()
        return None if position < 0 else self._actions[position]

    def finished(self, action: Action) -> None:
        """Note that an action is over, whatever came of it."""
        for position in self._dependants.pop(action.address, ()):
            self._missing[position] -= 1
            if not self._missing[position]:
                self._ready.put_nowait(position)
        self._left -= 1
        if not self._left:
            self.close()

    def close(self) -> None:
        """Hand out nothing more."""
        # Before everything else in the queue, once for each worker.
        for _ in range(self._workers):
            self._ready.put_nowait(-1)


def _needs(action: Action) -> set[str]:
    upstream = set() if action.run is None else {i.address for i in action.run.inputs if isinstance(i, OutputImage)}
    return upstream | ({action.shares} if action.shares else set())

"""The lock's file as an apply knows it, so that what others change in it meanwhile shows."""

import os
from dataclasses import dataclass

from specrun.apply.place import Place
from specrun.model.lock import Lock
from specrun.store.seen import Stamp, stamp


@dataclass(kw_only=True, slots=True)
class LockFile:
    """The lock's file as an apply knows it: what it `said` when it was last read or written here, and its `stamp` then.

    `before` is the lock that the apply found, with whatever others have changed in the file since.
    """

    said: Lock | None
    stamp: Stamp | None
    before: Lock | None

    def wrote(self, place: Place, lock: Lock, like: os.stat_result) -> None:
        """Note what was just written; `like` is what the file was like before it got its name."""
        now = stamp_of(place)
        # Somebody may have put another file in its place since.
        mine = now is not None and (now[0], now[1], now[3]) == (like.st_size, like.st_mtime_ns, like.st_ino)
        self.said, self.stamp = lock, now if mine else None


def stamp_of(place: Place) -> Stamp | None:
    """Return what the lock's file is like, None where there is none, or where that proves nothing."""
    try:
        return stamp(str(place.lock))
    except FileNotFoundError:
        return None

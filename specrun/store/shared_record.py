"""Which images are known to stand in a shared store, so that they are not offered to it at every apply."""

import contextlib
import os
import threading
from collections.abc import Iterable
from pathlib import Path

from specrun.atomic import make_folder
from specrun.canonical import digest

_LINE = len("sha256:") + 64


class SharedRecord:
    """Digests of images that this machine has put into one shared store, or has had from it whole; a line each.

    Losing it costs a question for each image, no more. Several processes may add to it at once.
    """

    def __init__(self, state: Path, url: str) -> None:
        self._path = state / "shared" / f"{digest(url)[7:23]}.txt"
        self._writing = threading.Lock()
        self._known = set(self._read())

    def __contains__(self, blob: object) -> bool:
        return blob in self._known

    def add(self, blob: str) -> None:
        """Remember an image."""
        with self._writing:
            if blob in self._known:
                return
            make_folder(self._path.parent)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            try:
                # One write, so that lines of several processes never mix; a torn last line counts for nothing.
                os.write(handle, f"{blob}\n".encode())
            finally:
                os.close(handle)
            self._known.add(blob)

    def _read(self) -> Iterable[str]:
        with contextlib.suppress(FileNotFoundError):
            return [line for line in self._path.read_text("ascii", "replace").split("\n") if len(line) == _LINE]
        return []

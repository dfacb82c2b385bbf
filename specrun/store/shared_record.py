"""Which images are known to stand in a shared store, so that they are not offered to it at every apply."""

import contextlib
import os
import re
import secrets
import threading
from pathlib import Path

from specrun.atomic import make_folder
from specrun.store.shared import SharedStore
from specrun.store.shared_name import record_path
from specrun.store.tries import SharedStoreError

_LINE = len("sha256:") + 64
_PRUNED = "pruned:"
# Marks that removals leave: one before the first image goes, one after the last.
_MARK = re.compile(r"(begun|ended) [0-9a-f]{32}")


def begun() -> str:
    """Return the mark of a removal that begins."""
    return f"begun {secrets.token_hex(16)}"


def ended() -> str:
    """Return the mark of a removal that has ended."""
    return f"ended {secrets.token_hex(16)}"


class SharedRecord:
    """Digests of images that this machine has put into one shared store, or has had from it whole; a line each.

    Losing it costs a question for each image, no more. Several processes may add to it at once. What it knows from
    before somebody removed images from the store counts for nothing: a removal leaves its mark there, and a line with
    the mark stands between what was known before and what after.
    """

    def __init__(self, state: Path, url: str) -> None:
        self._path = record_path(state, url)
        self._writing = threading.Lock()
        self._heeding = threading.Lock()
        self._heeded = False
        self._known: set[str] = set()
        self._mark = ""
        self._read()

    def __contains__(self, blob: object) -> bool:
        return blob in self._known

    def add(self, blob: str) -> None:
        """Remember an image."""
        with self._writing:
            if blob not in self._known:
                self._append(blob)
                self._known.add(blob)

    def heed(self, store: SharedStore) -> None:
        """Forget what a removal by anyone has made doubtful; asks the store once, before anything is added.

        While a removal is under way, or where one was broken off, nothing is believed for longer than a process lives.
        """
        with self._heeding:
            if self._heeded or not store.writable:
                return
            self._heeded = True
            with contextlib.suppress(SharedStoreError):  # then what is asked next says so
                mark = store.marked()
                if mark != self._mark or mark.startswith("begun"):
                    self.forget(mark)

    def forget(self, mark: str) -> None:
        """Forget everything, because of the removal that leaves this mark."""
        with self._writing:
            self._known.clear()
            self._mark = mark if _MARK.fullmatch(mark) else ""
            self._append(f"{_PRUNED}{self._mark}")

    def _append(self, line: str) -> None:
        make_folder(self._path.parent)
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            # One write, so that lines of several processes never mix; a torn last line counts for nothing.
            os.write(handle, f"{line}\n".encode())
        finally:
            os.close(handle)

    def _read(self) -> None:
        try:
            lines = self._path.read_text("ascii", "replace").split("\n")
        except FileNotFoundError:
            return
        for line in lines:
            if line.startswith(_PRUNED):
                self._known.clear()
                self._mark = line.removeprefix(_PRUNED)
            elif len(line) == _LINE:
                self._known.add(line)

"""Room on the disk, looked for before money is spent on what could not be kept."""

import shutil
import time
from pathlib import Path

# A 1536 x 1536 PNG that does not compress is 7 MiB; it is kept in the store and delivered to the outputs.
_PER_IMAGE = 16 << 20
_RESERVE = 64 << 20
# For so many seconds an answer of the file system holds; what is written meanwhile fits into the reserve.
_FRESH = 0.1


class Room:
    """Watches the file systems that images are written to."""

    def __init__(self, *folders: Path) -> None:
        self._folders = tuple(_standing(folder) for folder in folders)
        self._expected = 0
        self._free: dict[Path, int] = {}
        self._looked = -_FRESH

    def lacking(self, images: int) -> str:
        """Say what is missing for `images` more beside those in flight; an empty string where nothing is."""
        needed = _RESERVE + (self._expected + images) * _PER_IMAGE
        now = time.monotonic()
        if now - self._looked >= _FRESH:
            self._looked = now
            self._free = {folder: shutil.disk_usage(folder).free for folder in self._folders}
        for folder, free in self._free.items():
            if free < needed:
                return f"{folder} has {free >> 20} MiB free; {needed >> 20} MiB are kept for images in flight"
        return ""

    def expect(self, images: int) -> None:
        """Count images as in flight, or with a negative number as arrived."""
        self._expected += images


def _standing(folder: Path) -> Path:
    """Return the folder or the nearest one above it that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder

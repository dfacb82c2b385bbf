"""Bytes that were paid for and that the store could not take, kept wherever this machine still has room."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from specrun.atomic import write_atomic


def rescue(images: Sequence[tuple[str, bytes]]) -> Path | None:
    """Write images, by file name, to a new folder of the system's temporary files; None where that fails too."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="specrun-rescued-"))
        for name, data in images:
            write_atomic(folder / name, data)
    except OSError:
        return None
    return folder

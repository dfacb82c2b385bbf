"""Where a project starts."""

from pathlib import Path

PROJECT_FILE = "specrun.yaml"


def project_root(start: Path) -> Path:
    """Return the nearest folder upward that holds `specrun.yaml`, else `.git`, else `start` itself (a folder)."""
    start = start.resolve()
    for marker in (PROJECT_FILE, ".git"):
        for folder in (start, *start.parents):
            if (folder / marker).exists():
                return folder
    return start

"""What a spec under one name is called where a project keeps its state."""

import re
from pathlib import Path

from specrun.canonical import digest


def hold_name(spec: str, name: str) -> str:
    """Return what the hold of one spec under one name is called."""
    slug = re.sub(r"[^\w.-]", "-", name)[:80]
    return f"{slug}-{digest(f'{name} {spec}').removeprefix('sha256:')[:8]}"


def holder_path(folder: Path, called: str) -> Path:
    """Return the file that says who has a hold: left behind where a holder ended before its work did."""
    return folder / f"{called}.holder.json"

"""What a spec under one name is called where a project keeps its state."""

import re
from pathlib import Path

from specrun.canonical import digest

# Where a shard stands in the name of its hold.
_SHARD = re.compile(r"\.(\d+-of-\d+)-[0-9a-f]{8}$")


def hold_name(spec: str, name: str) -> str:
    """Return what the hold of one spec under one name is called."""
    slug = re.sub(r"[^\w.-]", "-", name)[:80]
    return f"{slug}-{digest(f'{name} {spec}').removeprefix('sha256:')[:8]}"


def held_for(called: str, spec: str, name: str) -> bool:
    """Whether a hold is that of one spec under one name, or of one of its shards."""
    if called == hold_name(spec, name):
        return True
    shard = _SHARD.search(called)
    return shard is not None and called == hold_name(spec, f"{name}.{shard[1]}")


def holder_path(folder: Path, called: str) -> Path:
    """Return the file that says who has a hold: left behind where a holder ended before its work did."""
    return folder / f"{called}.holder.json"

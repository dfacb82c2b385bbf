"""The parts of a lock and a manifest that shards write beside the whole: `shots.lock.1-of-4.json`."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from specrun.model.lock import Lock
from specrun.model.shard import Shard
from specrun.store.lockfile import read_lock

_PART = re.compile(r"\.(\d+)-of-(\d+)\.json")


def part_path(whole: Path, shard: Shard) -> Path:
    """Return where a shard writes its part of a file."""
    return whole.with_name(f"{whole.name.removesuffix('.json')}.{shard}.json")


def parts_of(whole: Path) -> Mapping[Shard, Path]:
    """Return the parts of a file that are there, in order."""
    stem = whole.name.removesuffix(".json")
    found = {}
    for path in whole.parent.glob("*-of-*.json"):
        match = _PART.fullmatch(path.name.removeprefix(stem)) if path.name.startswith(stem) else None
        if match is not None:
            found[Shard(number=int(match[1]), count=int(match[2]))] = path
    return {shard: found[shard] for shard in sorted(found, key=lambda shard: (shard.count, shard.number))}


def read_part(whole: Path, shard: Shard) -> Lock | None:
    """Return the part of a lock that a shard has written, None where it has not."""
    path = part_path(whole, shard)
    again = f"`specrun apply --shard {shard.number}/{shard.count} SPEC`"
    ours = f"`git checkout --ours {shlex.quote(str(path))}`"
    remedy = f"take one side of it whole, as {ours} does, then apply the shard: {again}"
    return read_lock(path, remedy=remedy)


def read_standing(path: Path, shard: Shard | None) -> Lock | None:
    """Return the lock as an apply goes on from it: for a shard with the rows of its part over it."""
    whole = read_lock(path)
    part = None if shard is None else read_part(path, shard)
    if whole is None or part is None:
        return part or whole
    return replace(whole, files=part.files, vars=part.vars, rows={**whole.rows, **part.rows})

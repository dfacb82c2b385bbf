"""Patterns of paths, matched in one walk: each folder is listed once, however the pattern could come to it."""

import os
import re
from collections.abc import Iterator
from fnmatch import translate
from functools import lru_cache
from pathlib import Path

# Listing so many takes a second or two.
MOST_ENTRIES = 500_000
_MAGIC = re.compile(r"[*?\[]")
_ANY_DEPTH = "**"


def matching(folder: Path, pattern: str) -> list[Path]:
    """Return all that matches a pattern below a folder, sorted; `**` stands for folders in folders, links left out.

    Hidden files and folders only where the pattern has a part that begins with a dot and matches them. Raises
    `ValueError` for a pattern that has no meaning, and where there is too much to look through.
    """
    parts = tuple(part for part in pattern.split("/") if part not in ("", "."))
    plain = next((at for at, part in enumerate(parts) if _MAGIC.search(part)), len(parts))
    if ".." in parts[plain:]:
        raise ValueError("`..` stands only before the first *, ? or [")
    if any(_ANY_DEPTH in part and part != _ANY_DEPTH for part in parts):
        raise ValueError("`**` is a part of its own, as in 'photos/**/*.png'")
    start = folder.joinpath(*parts[:plain])
    if plain == len(parts):
        return [start] if start.exists() else []
    return sorted(_Walk(parts[plain:]).below(start))


class _Walk:
    """One walk. A folder's state is how many parts of the pattern, from its start, the way to it can match."""

    def __init__(self, parts: tuple[str, ...]) -> None:
        self._parts = parts
        self._entries = 0

    def below(self, start: Path) -> Iterator[Path]:
        waiting = [(start, self._reached({0}))]
        while waiting:
            folder, states = waiting.pop()
            for entry in self._listed(folder):
                found = self._reached({after for state in states for after in self._after(state, entry)})
                if len(self._parts) in found:
                    yield folder / entry.name
                if found - {len(self._parts)} and _is_folder(entry, links=True):
                    waiting.append((folder / entry.name, found))

    def _reached(self, states: set[int]) -> frozenset[int]:
        """Add where one comes without another step: `**` may stand for no folder at all."""
        reached = set(states)
        for state in sorted(states):
            at = state
            while at < len(self._parts) - 1 and self._parts[at] == _ANY_DEPTH:
                at += 1
                reached.add(at)
        return frozenset(reached)

    def _after(self, state: int, entry: os.DirEntry[str]) -> Iterator[int]:
        """Yield the states behind an entry."""
        if state == len(self._parts):
            return
        part = self._parts[state]
        if part == _ANY_DEPTH:
            if not entry.name.startswith(".") and _is_folder(entry, links=False):
                yield state
                if state == len(self._parts) - 1:
                    yield state + 1
        elif (part.startswith(".") or not entry.name.startswith(".")) and _pattern(part).match(entry.name):
            yield state + 1

    def _listed(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                found = list(entries)
        except OSError:  # no folder, or one that may not be read
            return []
        self._entries += len(found)
        if self._entries > MOST_ENTRIES:
            raise ValueError(f"there are more than {MOST_ENTRIES:,} files and folders to look through")
        return found


def _is_folder(entry: os.DirEntry[str], *, links: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=links)
    except OSError:  # a link to itself
        return False


@lru_cache(maxsize=256)
def _pattern(part: str) -> re.Pattern[str]:
    return re.compile(translate(part))

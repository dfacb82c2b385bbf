"""Where files stand on this machine, left out of texts that are published."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# What stands for a file that nobody else can look at.
_HERE: Final = "a file on the machine that made it"
_REST = r"(?:/(?P<rest>[^\s'\",;:)]*)|(?![\w.-]))"


def without_places(text: str, root: Path | None = None) -> str:
    """Return a text without the folders of this machine and the people on it.

    Files of the project at `root`, or where that is not given of the working folder, are named from there; what lies
    in its `.specrun`, in somebody's home or among temporary files is not named at all.
    """
    if "/" not in text:
        return text
    project = (root or Path.cwd()).resolve()
    for place in _places(project):
        text = re.sub(
            rf"(?<![\w/.:-]){re.escape(place.as_posix())}{_REST}",
            _named if place == project else _HERE,
            text,
        )
    return text


def path_told(path: str) -> str:
    """Return a path as it was typed, but an absolute one from the working folder, or by its name alone."""
    typed = Path(path)
    if not typed.is_absolute():
        return path
    return typed.relative_to(Path.cwd()).as_posix() if typed.is_relative_to(Path.cwd()) else typed.name


def _named(match: re.Match[str]) -> str:
    rest = match["rest"] or "."
    return _HERE if rest.split("/")[0] == ".specrun" else rest


def _places(project: Path) -> Iterator[Path]:
    """Yield the folders that are not to be told, the innermost first; the root of all files gives nothing away."""
    places = {project, Path(tempfile.gettempdir()), Path("~").expanduser()}
    yield from sorted((each for each in places if len(each.parts) > 1), key=lambda each: -len(each.parts))

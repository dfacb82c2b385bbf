"""What git knows about an image: the commit that locked it."""

import subprocess
from pathlib import Path

import msgspec

_FORMAT = "%h%x00%cs%x00%an%x00%s"


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """A commit: `id` abbreviated, `date` as year, month and day."""

    id: str
    date: str
    author: str
    subject: str


def first_commit_with(text: str, path: Path) -> Commit | None:
    """Return the commit that brought `text` into a file; None without git, a repository, or such a commit."""
    command = ["git", "log", "--reverse", f"-S{text}", f"--format={_FORMAT}", "--", path.name]
    try:
        told = subprocess.run(  # noqa: S603 - a list, no shell
            command, cwd=path.parent, capture_output=True, check=False, text=True, errors="replace"
        )
    except OSError:
        return None
    first = told.stdout.partition("\n")[0].split("\0")
    if told.returncode or len(first) != _FORMAT.count("%x00") + 1:
        return None
    return Commit(id=first[0], date=first[1], author=first[2], subject=first[3])

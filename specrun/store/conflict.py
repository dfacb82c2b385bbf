"""What git leaves in a file whose two sides it could not join."""

from pathlib import Path

from specrun.store.contained import read_regular


def has_conflict(path: Path) -> bool:
    """Say whether git left conflict markers in a file."""
    try:
        return marked(read_regular(path))
    except OSError:
        return False


def marked(data: bytes) -> bool:
    """Say whether git left conflict markers in a file's content."""
    return b"\n<<<<<<< " in data or data.startswith(b"<<<<<<< ")


def conflict_sides(data: bytes) -> tuple[bytes, bytes]:
    """Split a conflict-marked file into the two whole ones that git could not join."""
    ours: list[bytes] = []
    theirs: list[bytes] = []
    side: tuple[list[bytes], ...] = (ours, theirs)
    for line in data.splitlines(keepends=True):
        marker = line[:8]
        if marker == b"<<<<<<< ":
            side = (ours,)
        elif marker == b"||||||| ":
            side = ()
        elif line.rstrip() == b"=======":
            side = (theirs,)
        elif marker == b">>>>>>> ":
            side = (ours, theirs)
        else:
            for lines in side:
                lines.append(line)
    return b"".join(ours), b"".join(theirs)

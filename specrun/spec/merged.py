"""Texts that git left both sides of a merge in."""

CONFLICT = "conflict markers"
LEFT_BY_GIT = "git left both sides of a merge here"
KEEP_ONE = "keep the lines that are right, and remove the markers"


def conflict_line(text: str, *, whole: bool = True) -> int | None:
    """Return the line (from 1) of the first conflict marker; `whole` asks for the last one, too."""
    if "<<<<<<< " not in text or (whole and ">>>>>>> " not in text):
        return None
    lines = text.split("\n")
    begins = next((number for number, line in enumerate(lines) if line.startswith("<<<<<<< ")), None)
    if begins is None or (whole and not any(line.startswith(">>>>>>> ") for line in lines[begins:])):
        return None
    return begins + 1

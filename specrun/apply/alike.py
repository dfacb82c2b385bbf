"""What causes have in common that were met by different runs."""

import re
from typing import Final

# What comes before the places of bytes that are no image, which no two runs have in common.
ASIDE: Final = "; put aside: "

# What servers call one request by: UUIDs, digests.
_NAME: Final = re.compile(r"\b[0-9A-Fa-f](?:-?[0-9A-Fa-f]){15,}\b")
# Words with a number in them, such as hosts, times and counts; the status of a reply is what happened, so it stays.
_NUMBERED: Final = re.compile(r"(?<!answered )(?<![\w.:@%+-])[\w.:@%+-]*\d[\w.:@%+-]*")
_REMOVED: Final = re.compile(rf"{re.escape(ASIDE)}.*", re.DOTALL)


def alike(text: str, *names: str) -> str:
    """Return a cause without what is of one run alone: `names` such as its address, and where its bytes were put."""
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(name, "…")
    return _NAME.sub("…", _REMOVED.sub("", text))


def shape(text: str, *names: str) -> str:
    """Return a cause also without the numbers in it, which servers count, time and name with."""
    return _NUMBERED.sub("…", alike(text, *names))

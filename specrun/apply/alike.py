"""What causes have in common that were met by different runs."""

import re
from typing import Final

# What comes before the places of bytes that are no image, which no two runs have in common.
ASIDE: Final = "; put aside: "

# What servers call one request by: UUIDs, digests.
_NAME: Final = re.compile(r"\b[0-9A-Fa-f](?:-?[0-9A-Fa-f]){15,}\b")
_REMOVED: Final = re.compile(rf"{re.escape(ASIDE)}.*", re.DOTALL)


def alike(text: str, *names: str) -> str:
    """Return a cause without what is of one run alone: `names` such as its address, and where its bytes were put."""
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(name, "…")
    return _NAME.sub("…", _REMOVED.sub("", text))

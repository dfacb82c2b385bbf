"""What a server says, made fit for one line of a terminal, a log or a ledger."""

import unicodedata
from typing import Final

from specrun.provider.secret import Secret

LONGEST: Final = 300

# Control, format (bidi marks, zero widths), surrogate, private use, unassigned, line and paragraph separators.
_UNFIT: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def plain(text: str, secret: Secret | None, *, longest: int = LONGEST) -> str:
    """Return one line of printable text without the secret, cut to `longest` characters."""
    # Hidden first, so that no cut leaves half a key; bounded before the work that goes by character.
    bounded = (secret.hide(text) if secret else text)[: longest * 8]
    words = "".join(" " if unicodedata.category(character) in _UNFIT else character for character in bounded).split()
    line = " ".join(words)
    # Hidden again: what stood between the letters of the key may be gone now.
    line = secret.hide(line) if secret else line
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"

"""What a server says, made fit for one line of a terminal, a log or a ledger."""

import unicodedata
from typing import Final

from specrun.provider.secret import Secret

LONGEST: Final = 300
# So much is looked through for the secret: more than can become one line.
_MOST: Final = 1 << 16

# Control characters, line and paragraph separators part words; the rest shows nothing, or nobody knows what.
_PARTING: Final = frozenset({"Cc", "Zl", "Zp"})
_UNFIT: Final = frozenset({"Cf", "Cs", "Co", "Cn"})


def plain(text: str, secret: Secret | None, *, longest: int = LONGEST) -> str:
    """Return one line of printable text without the secret, cut to `longest` characters."""
    # Hidden first, so that no cut leaves half a key; bounded before the work that goes by character.
    text = text[:_MOST]
    bounded = (secret.hide(text) if secret else text)[: longest * 8]
    line = " ".join("".join(map(_fit, bounded)).split())
    # Hidden again: what stood between the letters of the key may be gone now.
    line = secret.hide(line) if secret else line
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _fit(character: str) -> str:
    category = unicodedata.category(character)
    return " " if category in _PARTING else "" if category in _UNFIT else character

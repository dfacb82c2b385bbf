"""Characters that YAML 1.2 and JSON allow and a parser of YAML 1.1 does not: handed to it disguised, and restored."""

import re

# YAML 1.1 breaks lines at these: next line, line separator, paragraph separator.
_BREAKS = "\x85\u2028\u2029"
# Stand-ins that no text of a person holds; there are more, should one do so.
_STAND_INS = range(0xF0000, 0xFFFFE)

# JSON writes what lies beyond U+FFFF as the two halves of a surrogate pair, each an escape. For the parser, the `d` of
# both becomes an `e`: escapes of as many columns, for private characters.
_ESCAPED = r"(?<!\\)((?:\\\\)*)\\u([{first}])([89abAB][0-9a-fA-F]{{2}})\\u([{first}])([c-fC-F][0-9a-fA-F]{{2}})"
_PAIR = re.compile(_ESCAPED.format(first="dD"))
_DISGUISED_PAIR = re.compile(_ESCAPED.format(first="eE"))
_READ_PAIR = re.compile("([\ue800-\uebff])([\uec00-\uefff])")
_IN_THE_WAY = re.compile(r"[\ue800-\uefff]|\\u[eE][89a-fA-F]|\\U0000[eE][89a-fA-F]")
_DISGUISE, _REVEAL = str.maketrans("dD", "eE"), str.maketrans("eE", "dD")


class Disguise:
    """A text as the parser is to see it, every character in the same line and column, and the way back."""

    def __init__(self, text: str) -> None:
        self._pairs = "\\u" in text and _PAIR.search(text) is not None and _IN_THE_WAY.search(text) is None
        if self._pairs:
            text = _swapped(_PAIR, text, _DISGUISE)
        found = [] if text.isascii() else [each for each in _BREAKS if each in text]
        stand_ins = _unused(text, len(found)) if found else []
        self._back = dict(zip(map(ord, stand_ins), found, strict=True))
        self.text = text.translate(dict(zip(map(ord, found), stand_ins, strict=True))) if found else text

    def restore(self, read: str, style: str | None) -> str:
        """Return what a scalar, read from the disguise, says; `style` is its quote."""
        if self._back:
            read = read.translate(self._back)
        if not self._pairs:
            return read
        return _READ_PAIR.sub(_joined, read) if style == '"' else _swapped(_DISGUISED_PAIR, read, _REVEAL)


def _swapped(pairs: re.Pattern[str], text: str, letters: dict[int, int]) -> str:
    def swapped(pair: re.Match[str]) -> str:
        before, one, high, other, low = pair.groups()
        return f"{before}\\u{one.translate(letters)}{high}\\u{other.translate(letters)}{low}"

    return pairs.sub(swapped, text)


def _joined(pair: re.Match[str]) -> str:
    return chr(0x10000 + ((ord(pair[1]) - 0xE800) << 10) + ord(pair[2]) - 0xEC00)


def _unused(text: str, count: int) -> list[str]:
    """Return characters that stand in a text neither themselves nor as escapes."""
    lower = text.lower()
    found: list[str] = []
    for code in _STAND_INS:
        if len(found) == count:
            break
        if chr(code) not in text and f"{code:x}" not in lower:
            found.append(chr(code))
    return found

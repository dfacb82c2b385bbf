"""What changed between two texts, word by word."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import takewhile

from specrun.report import inert
from specrun.report.ink import PLAIN, Ink, Role
from specrun.report.words import shorten

_WORD = re.compile(r"\s+|[^\W_]+|[\W_]")
# Where more words than this differ, the comparison's worst case would be felt, and its result be unreadable.
MOST_WORDS = 400
# Unchanged stretches longer than this show only their ends.
CONTEXT = 60
LONGEST_PIECE = 400


def word_diff(old: str, new: str, ink: Ink = PLAIN) -> str:
    """Return one line: `a [-red-]{+blue+} cat on a hill`, with long unchanged stretches cut."""
    before, after = _WORD.findall(old), _WORD.findall(new)
    head = _agreement(before, after)
    tail = _agreement(before[head:][::-1], after[head:][::-1])
    middle = _middle(before[head : len(before) - tail], after[head : len(after) - tail], ink)
    return _same(before[:head]) + middle + _same(before[len(before) - tail :])


def _agreement(before: list[str], after: list[str]) -> int:
    """Count the words that two lists have in common from their starts on."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))


def _middle(before: list[str], after: list[str], ink: Ink) -> str:
    if max(len(before), len(after)) > MOST_WORDS:
        return _removed(before, ink) + _added(after, ink)
    return "".join(_pieces(before, after, ink))


def _pieces(before: list[str], after: list[str], ink: Ink) -> Iterator[str]:
    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        if tag == "equal":
            yield _same(before[a1:a2])
            continue
        if a1 < a2:
            yield _removed(before[a1:a2], ink)
        if b1 < b2:
            yield _added(after[b1:b2], ink)


def _same(words: list[str]) -> str:
    return shorten(inert.line("".join(words)), CONTEXT)


def _removed(words: list[str], ink: Ink) -> str:
    return ink(f"[-{shorten(inert.line(''.join(words)), LONGEST_PIECE)}-]", Role.REMOVED)


def _added(words: list[str], ink: Ink) -> str:
    return ink(f"{{+{shorten(inert.line(''.join(words)), LONGEST_PIECE)}+}}", Role.ADDED)

"""What changed between two texts, word by word."""

import re
from collections.abc import Iterator, Sequence
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
    return "".join(_shown(sign, inert.line(text), ink) for sign, text in pieces(old, new))


def pieces(old: str, new: str) -> Iterator[tuple[str, str]]:
    """Yield the pieces of two texts: a sign (`-` for what only the old has, `+` the new, empty both) and the text."""
    before, after = _WORD.findall(old), _WORD.findall(new)
    head = _agreement(before, after)
    tail = _agreement(before[head:][::-1], after[head:][::-1])
    found = (
        ("", before[:head]),
        *_middle(before[head : len(before) - tail], after[head : len(after) - tail]),
        ("", before[len(before) - tail :]),
    )
    return ((sign, "".join(words)) for sign, words in found if words)


def _agreement(before: list[str], after: list[str]) -> int:
    """Count the words that two lists have in common from their starts on."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))


def _middle(before: list[str], after: list[str]) -> Iterator[tuple[str, list[str]]]:
    if max(len(before), len(after)) > MOST_WORDS:
        yield "-", before
        yield "+", after
        return
    from difflib import SequenceMatcher  # noqa: PLC0415 - only for a text that changed

    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    old: list[str] = []
    new: list[str] = []
    steps = matcher.get_opcodes()
    for place, (tag, a1, a2, b1, b2) in enumerate(steps):
        if tag == "equal" and not _joins(steps[max(place - 1, 0) : place + 2], before[a1:a2]):
            yield from (("-", old), ("+", new), ("", before[a1:a2]))
            old, new = [], []
        else:
            old, new = old + before[a1:a2], new + after[b1:b2]
    yield from (("-", old), ("+", new))


def _joins(steps: Sequence[tuple[str, int, int, int, int]], words: Sequence[str]) -> bool:
    """Whether what stayed is a mere space between two words that did not, which read better as one change."""
    return [step[0] for step in steps] == ["replace", "equal", "replace"] and "".join(words).isspace()


def _shown(sign: str, text: str, ink: Ink) -> str:
    if sign == "-":
        return ink(f"[-{shorten(text, LONGEST_PIECE)}-]", Role.REMOVED)
    if sign == "+":
        return ink(f"{{+{shorten(text, LONGEST_PIECE)}+}}", Role.ADDED)
    return shorten(text, CONTEXT)

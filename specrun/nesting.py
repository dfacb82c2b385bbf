"""Where a JSON text nests deeper than its readers follow."""

import re

DEEPEST = 64
_MARKS = re.compile(r'"(?:\\.|[^"\\])*"?|[\[\]{}]', re.DOTALL)


def too_deep(text: str) -> tuple[int, int]:
    """Return line and column, from 1, of the first bracket that opens more than 64 levels, or of the start."""
    depth = 0
    for mark in _MARKS.finditer(text):
        if mark[0] in "[{":
            depth += 1
            if depth > DEEPEST:
                before = text[: mark.start()]
                return before.count("\n") + 1, mark.start() - before.rfind("\n")
        elif mark[0] in "]}":
            depth -= 1
    return 1, 1

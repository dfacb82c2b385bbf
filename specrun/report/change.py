"""One field that changed, on one line."""

from specrun.model.plan import Change
from specrun.report import inert
from specrun.report.ink import PLAIN, Ink, Role
from specrun.report.word_diff import word_diff
from specrun.report.words import value


def change_line(change: Change, ink: Ink = PLAIN) -> str:
    """Return `steps: 20 -> 30`, or for prose `prompt: a [-red-]{+blue+} cat`."""
    field = inert.line(change.field)
    old, new = change.old, change.new
    if isinstance(old, str) and isinstance(new, str) and (" " in old or " " in new):
        return f"{field}: {word_diff(old, new, ink)}"
    return f"{field}: {ink(value(old), Role.REMOVED)} -> {ink(value(new), Role.ADDED)}"

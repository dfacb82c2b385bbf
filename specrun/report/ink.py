"""Colour, only where it was asked for."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import click
import msgspec


class Role(Enum):
    """What a piece of text is for; the palette decides how that looks."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"
    STRONG = "strong"
    QUIET = "quiet"
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


_STYLES: Mapping[Role, Mapping[str, Any]] = {
    Role.ERROR: {"fg": "red", "bold": True},
    Role.WARNING: {"fg": "yellow", "bold": True},
    Role.HINT: {"fg": "cyan"},
    Role.STRONG: {"bold": True},
    Role.QUIET: {"dim": True},
    Role.ADDED: {"fg": "green"},
    Role.CHANGED: {"fg": "yellow"},
    Role.REMOVED: {"fg": "red"},
}


class Ink(msgspec.Struct, frozen=True):
    """Colours text, or leaves it as it is where `colour` is off."""

    colour: bool = False

    def __call__(self, text: str, role: Role) -> str:
        """Return `text` in the colours of `role`."""
        return click.style(text, **_STYLES[role]) if self.colour else text


PLAIN = Ink()

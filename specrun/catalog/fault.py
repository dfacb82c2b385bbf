"""What is wrong with a request's parameters, as a value."""

from enum import Enum

import msgspec


class Kind(Enum):
    """What sort of fault it is; the value is its summary in fixed words."""

    UNKNOWN = "unknown parameter"
    MISSING = "missing parameter"
    TYPE = "wrong type"
    RANGE = "value out of range"
    CHOICE = "value not allowed"
    FORM = "value in the wrong form"
    LENGTH = "wrong length"
    REFUSED = "value refused"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault; `path` leads to it through the parameters, and is empty where the whole request is at fault."""

    path: tuple[str | int, ...]
    kind: Kind
    detail: str
    hint: str

    @property
    def summary(self) -> str:
        """The fault's sort in fixed words."""
        return self.kind.value

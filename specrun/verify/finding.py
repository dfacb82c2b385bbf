"""What can be wrong with what stands on disk, as values: what, where, why, and the fix."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """The kinds of damage, in the words that reports use."""

    MISSING = "missing"
    MODIFIED = "modified"
    UNDECODABLE = "undecodable"
    WRONG_TYPE = "wrong type"
    EXTRA = "extra"
    STALE = "stale"  # the spec wants something else than what is locked
    HELD = "held"
    LOCK = "damaged lock"
    MANIFEST = "damaged manifest"
    STORE = "damaged store"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is wrong: `subject` is a path from the project root, or an address; `fix` says what to do."""

    kind: Kind
    subject: str
    detail: str
    fix: str
    address: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What was looked at: images, their bytes, stored files."""

    images: int = 0
    bytes: int = 0
    blobs: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What verifying one spec came to; `spec` is its path from the project root, `repaired` names restored blobs.

    `passed` are the images with nothing wrong, as address and path.
    """

    spec: str
    name: str
    checked: Checked
    findings: tuple[Finding, ...]
    passed: tuple[tuple[str, str], ...] = ()
    repaired: tuple[str, ...] = ()

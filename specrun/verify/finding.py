"""What can be wrong with what stands on disk, as values: what, where, why, and the fix."""

from enum import Enum

import msgspec


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


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong: `subject` is a path from the project root, or an address; `fix` says what to do."""

    kind: Kind
    subject: str
    detail: str
    fix: str
    address: str = ""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at: images, their bytes, stored files."""

    images: int = 0
    bytes: int = 0
    blobs: int = 0


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What verifying one spec came to; `spec` is its path from the project root, `repaired` names restored blobs.

    `passed` are the images with nothing wrong, as address and path.
    """

    spec: str
    name: str
    checked: Checked
    findings: tuple[Finding, ...]
    passed: tuple[tuple[str, str], ...] = ()
    repaired: tuple[str, ...] = ()

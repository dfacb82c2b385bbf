"""What came back over the wire, as evidence: the whole of what a decision may look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """A status line and headers (names in lower case), and the body, or as `torn` why there is no whole body.

    `late` is set where that is because `timeout` was over.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
    torn: str = ""
    late: bool = False


class Trouble(Enum):
    """What kept a reply from coming."""

    PASSING = "passing"
    UNREACHED = "unreached"  # no connection: no such name, nobody who listens
    UNTRUSTED = "untrusted"  # the certificate
    NO_TLS = "no TLS"  # where https asks for it
    ONLY_TLS = "only TLS"  # where http does without: the server can have read nothing
    UNWORKABLE = "unworkable"  # what no try again mends


@dataclass(frozen=True, kw_only=True, slots=True)
class NoReply:
    """No status line. `left` is whether a byte of the request may have left this machine.

    `late` is set where `timeout` was over.
    """

    reason: str
    left: bool
    trouble: Trouble = Trouble.PASSING
    late: bool = False


Evidence: TypeAlias = Reply | NoReply

"""What came back over the wire, as evidence: the whole of what a decision may look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True, kw_only=True, slots=True)
class NoReply:
    """No status line. `left` is whether a byte of the request may have left this machine.

    `untrusted` is set where the server's TLS certificate is not to be trusted, `late` where `timeout` was over.
    """

    reason: str
    left: bool
    untrusted: bool = False
    late: bool = False


Evidence: TypeAlias = Reply | NoReply

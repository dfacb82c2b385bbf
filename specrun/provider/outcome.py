"""How one attempt to have images made can end: a closed set of types, to be narrowed by `match`.

| outcome | billed? | what to do |
|---|---|---|
| `Received` | yes | collect the images; fewer usable ones than asked for is a partial reply |
| `Resend` | no | send again, later, with the same Idempotency-Key |
| `Failed` | no | report; the next apply may try again |
| `Refused` | no | moderation said no: hold until the request changes |
| `Doom` | no | stop everything for this provider, and say what to do |
| `Unknown` | perhaps | hold; nobody may resend without being told to |
| `Stopped` | no | the client was told to stop before the request was sent (again) |

Every `cause` is a short sentence for people: one line, no control characters, no secret.
"""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class ImageItem:
    """One image of a reply as the server gave it: base64 text, a URL to fetch it from, or both.

    `told` is whether the URL holds the API key, so that it is nothing to write down.
    """

    encoded: str | None = None
    url: str | None = None
    told: bool = False

    @property
    def link(self) -> str | None:
        """The URL as it may be written down and shown, None where there is none."""
        return None if self.told else self.url

    def __repr__(self) -> str:
        return f"ImageItem(url={self.link!r})"


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedItem:
    """The place of an image that did not come: `refused` where moderation withheld it."""

    cause: str
    refused: bool = False


Item: TypeAlias = ImageItem | FailedItem


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """A reply with images, or with an empty list of them; `cause` holds an error stated beside them."""

    items: tuple[Item, ...]
    status: int = 200
    request_id: str = ""
    cause: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resend:
    """Not billed and worth sending again; `retry_after` is the server's wish in seconds.

    `unreached` is whether there was no connection; `patience` are the seconds for which that is tried, where there
    never was one.
    """

    cause: str
    status: int | None = None
    request_id: str = ""
    retry_after: float | None = None
    unreached: bool = False
    patience: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """Not billed, and of no use to send again as it is; `last` is how a request ended that was resent in vain."""

    cause: str
    hint: str = ""
    status: int | None = None
    request_id: str = ""
    last: Resend | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """Moderation does not allow this request."""

    cause: str
    status: int | None = None
    request_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Doom:
    """No request to this provider can succeed until a person does what `hint` says."""

    cause: str
    hint: str
    status: int | None = None
    request_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown:
    """The request left this machine, and nobody here knows whether it was billed; `late` where `timeout` was over."""

    cause: str
    status: int | None = None
    request_id: str = ""
    late: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopped:
    """The client was told to stop before the request was sent (again)."""

    cause: str


# One attempt ends in an Outcome, a request (after its resends) in a Settled.
Outcome: TypeAlias = Received | Resend | Failed | Refused | Doom | Unknown
Settled: TypeAlias = Received | Failed | Refused | Doom | Unknown | Stopped

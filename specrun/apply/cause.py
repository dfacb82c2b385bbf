"""What came of a request as a cause that others may meet too: what is the same for them is told, and counted, once."""

from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import Final, assert_never

from specrun.apply.alike import alike, shape
from specrun.apply.results import Held
from specrun.model.lock import State
from specrun.model.project import Provider
from specrun.provider.outcome import Doom, Failed, FailedItem, Received, Refused, Resend, Settled, Stopped, Unknown

_MISPLACED: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE})


class Kind(Enum):
    """What a cause is about, which decides what ends it."""

    LATE = auto()  # no whole reply within `timeout`
    LOST = auto()  # the connection ended after the request had left
    UNREACHED = auto()  # nothing left this machine for as long as `retry_for`
    BUSY = auto()  # 429 or 503 for as long as `retry_for`
    ERROR = auto()  # a 5xx
    UNREADABLE = auto()  # a 2xx that is no reply to a request for images
    MISPLACED = auto()  # whoever answers has no images API there
    REJECTED = auto()  # any other 4xx
    IMAGES = auto()  # a reply that lacks usable images
    DOOMED = auto()  # what no request to the provider can escape: its key, its address, its account

    @property
    def of_request(self) -> bool:
        """Whether it may lie in what a job asks for; all else lies in the model, or in the provider."""
        return self in (Kind.REJECTED, Kind.IMAGES)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """Why a request came to nothing; requests with the same `kind` and `mark` met the same.

    `text` is for people, and so is `hint`, where what came says itself what ends it. `vain` is set
    where that was, or may have been, paid for, and no image came of it.
    """

    kind: Kind
    mark: str
    text: str
    hint: str = ""
    vain: bool = False


def cause_of(settled: Settled) -> Cause | None:
    """Return the cause that a request has met; None where it says nothing about others."""
    match settled:
        case Unknown():
            return _cause(_lost(settled), settled)
        case Failed(last=Resend() as last):
            return _cause(_resent(last), last)
        case Failed(status=status):
            misplaced = status in _MISPLACED or (status or 0) // 100 == 3  # noqa: PLR2004 (redirects)
            return _cause(Kind.MISPLACED if misplaced else Kind.REJECTED, settled)
        case Doom():
            return Cause(kind=Kind.DOOMED, mark=settled.cause, text=settled.cause, hint=settled.hint)
        case Received() | Refused() | Stopped():
            return None
        case _:
            assert_never(settled)


def cause_of_images(received: Received, held: Held) -> Cause | None:
    """Return the cause for which a reply holds its run; what moderation withheld says nothing about others."""
    if held.state is State.REFUSED or any(isinstance(item, FailedItem) and item.refused for item in received.items):
        return None
    text = alike(held.cause, held.request_id)
    return Cause(kind=Kind.IMAGES, mark=shape(text), text=text, vain=not held.blobs)


def ended_by(cause: Cause, provider: Provider) -> str:  # noqa: PLR0911 (a case each)
    """Return what ends a cause: the setting to change, with its value now, or what to look at."""
    url = provider.base_url or "the sandbox"
    match cause.kind:
        case Kind.DOOMED:
            return cause.hint
        case Kind.LATE:
            return f"raise `timeout` of provider {provider.name} in specrun.yaml, now {provider.timeout:g} s"
        case Kind.LOST:
            return f"see to the server at {url} and what stands before it; {_fewer(provider)}"
        case Kind.UNREACHED:
            return f"start the server or correct `base_url` of provider {provider.name}, now {url}"
        case Kind.BUSY:
            return f"{_fewer(provider)}; `rpm` spaces requests out"
        case Kind.ERROR:
            return f"see to the server at {url}, or wait until it is well; {_fewer(provider)}"
        case Kind.UNREADABLE | Kind.MISPLACED:
            return f"correct `base_url` of provider {provider.name}, now {url} (it often ends in /v1), or the model"
        case Kind.REJECTED:
            return "correct what the server rejects: the model, its params or the prompt; --target applies others"
        case Kind.IMAGES:
            return f"see what the server at {url} gives for one (`specrun show ADDRESS`) before more is paid for"
        case _:
            assert_never(cause.kind)


def _cause(kind: Kind, outcome: Unknown | Resend | Failed) -> Cause:
    text = alike(outcome.cause, outcome.request_id)
    # Of all but a request that is rejected the number says enough, whatever page a server writes around it; and of
    # a reply that is late, that it is.
    named = kind is Kind.REJECTED or outcome.status is None
    mark = "" if kind is Kind.LATE else text if named else str(outcome.status)
    return Cause(kind=kind, mark=mark, text=text, vain=isinstance(outcome, Unknown))


def _lost(unknown: Unknown) -> Kind:
    if unknown.late or unknown.status is None:
        return Kind.LATE if unknown.late else Kind.LOST
    return Kind.UNREADABLE if unknown.status // 100 == HTTPStatus.OK // 100 else Kind.ERROR


def _resent(last: Resend) -> Kind:
    if last.status is None:
        return Kind.UNREACHED
    waits = last.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
    return Kind.BUSY if waits else Kind.ERROR


def _fewer(provider: Provider) -> str:
    return f"fewer at once may help: `concurrency` of provider {provider.name} is {provider.concurrency}"

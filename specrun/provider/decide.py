"""The one place that decides what the end of an attempt means, from evidence alone.

Safe to send again is only what was certainly not billed: what never left this machine, 429, 503, and any other 5xx
whose JSON body states an error. Whatever may have been billed is unknown: no reply in time, a connection lost after
sending, 408, 502, 504, a bare 5xx, a 2xx that cannot be read.
"""

import contextlib
import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec

from specrun.model.project import Provider
from specrun.provider.items import items_of
from specrun.provider.outcome import Doom, Failed, FailedItem, Item, Outcome, Received, Refused, Resend, Unknown
from specrun.provider.plain import plain
from specrun.provider.reply import Evidence, NoReply, Reply, Trouble
from specrun.provider.retry_after import retry_after
from specrun.provider.secret import Secret
from specrun.provider.statement import Statement, request_id, stated_error

# Parts of error codes and types, letters only: see Statement.mentions.
_NO_ENTRY: Final = ("autherror", "authentication", "unauthorized", "apikey", "permissionerror", "forbidden")
_NO_CREDIT: Final = ("insufficientquota", "insufficientbalance", "billing", "overdue", "arrears")
_TIMED_OUT: Final = ("timeout", "timedout")
_THROTTLED: Final = ("ratelimit", "toomanyrequests")

# What nginx, Go's servers and Apache answer in plain text at a port for TLS: none has read the request.
_ONLY_TLS: Final = (
    b"plain HTTP request was sent to HTTPS",
    b"HTTP request to an HTTPS server",
    b"plain HTTP to an SSL",
)
_HTTPS: Final = "https:// in base_url?"

_TITLE: Final = re.compile(rb"<title[^>]*>([^<]*)", re.IGNORECASE)

# Whoever sends these does not know what became of the request behind it. Past the last registered status are those
# that gateways made up, such as 524 for a timeout, some with JSON that reads like an error of the server's own.
_AMBIGUOUS: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
_LAST_REGISTERED: Final = HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED


def decide(evidence: Evidence, provider: Provider, secret: Secret | None = None) -> Outcome:
    """Return what an attempt came to; pure, and never with the secret in it."""
    if isinstance(evidence, NoReply):
        return _without_reply(evidence, provider)
    if evidence.status == HTTPStatus.BAD_REQUEST and any(words in evidence.body for words in _ONLY_TLS):
        return Doom(cause=f"the server at {provider.base_url} speaks only TLS", hint=_HTTPS, status=evidence.status)
    case = _read(evidence, secret)
    if case.status in _AMBIGUOUS or not HTTPStatus.OK <= case.status <= _LAST_REGISTERED:
        return case.unknown()
    if case.status // 100 == 2:  # noqa: PLR2004 (the class of status codes)
        return _success(case, provider, secret)
    return _error(case, provider)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Case:
    """A reply as far as it could be read; `said` is a sentence about it."""

    status: int
    document: Any
    error: Statement | None
    said: str
    request_id: str
    retry_after: float | None
    late: bool

    def unknown(self) -> Unknown:
        return Unknown(cause=self.said, status=self.status, request_id=self.request_id, late=self.late)

    def resend(self) -> Resend:
        return Resend(cause=self.said, status=self.status, request_id=self.request_id, retry_after=self.retry_after)

    def refused(self) -> Refused:
        return Refused(cause=self.said, status=self.status, request_id=self.request_id)

    def failed(self, hint: str = "") -> Failed:
        return Failed(cause=self.said, hint=hint, status=self.status, request_id=self.request_id)

    def doom(self, hint: str) -> Doom:
        return Doom(cause=self.said, hint=hint, status=self.status, request_id=self.request_id)

    def mentions(self, words: tuple[str, ...]) -> bool:
        return self.error is not None and self.error.mentions(*words)


def _without_reply(evidence: NoReply, provider: Provider) -> Outcome:
    match evidence.trouble:
        case Trouble.UNTRUSTED:
            return Doom(
                cause=f"the certificate of {provider.base_url} is not trusted: {evidence.reason}",
                hint="check base_url and this machine's clock; a private authority goes into SSL_CERT_FILE",
            )
        case Trouble.NO_TLS:
            return Doom(cause=evidence.reason, hint="http:// in base_url?")
        case Trouble.ONLY_TLS:
            return Doom(cause=evidence.reason, hint=_HTTPS)
        case _:
            pass
    if evidence.left:
        return Unknown(cause=f"{evidence.reason}, after the request was sent", late=evidence.late)
    if evidence.trouble is Trouble.UNWORKABLE:
        return Failed(cause=evidence.reason)
    return Resend(cause=evidence.reason, unreached=evidence.trouble is Trouble.UNREACHED)


def _success(case: _Case, provider: Provider, secret: Secret | None) -> Outcome:
    data = case.document.get("data") if isinstance(case.document, dict) else None
    if case.error is not None and not data:
        return _stated_in_success(case, provider)
    if not isinstance(data, list):
        return case.unknown()
    items = items_of(data, provider, secret)
    if items and all(isinstance(item, FailedItem) and item.refused for item in items):
        return Refused(cause=_cause(items), status=case.status, request_id=case.request_id)
    return Received(items=items, status=case.status, request_id=case.request_id, cause=str(case.error or ""))


def _stated_in_success(case: _Case, provider: Provider) -> Outcome:
    """Judge a 2xx that is an error: by what its codes say, as its number says nothing."""
    if case.mentions(_TIMED_OUT):
        return case.unknown()
    if case.mentions(_THROTTLED):
        return case.resend()
    return _error(case, provider)


def _error(case: _Case, provider: Provider) -> Outcome:
    status = case.status
    if (case.error is not None and case.error.refusal) or status == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
        return case.refused()
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        doom = _doom(case, provider)
        if doom is not None:
            return doom
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return case.resend()
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return case.resend() if case.error is not None and not case.mentions(_TIMED_OUT) else case.unknown()
    misplaced = status // 100 == 3 or status == HTTPStatus.NOT_FOUND  # noqa: PLR2004 (redirects)
    return case.failed(hint=f"check the base_url of provider {provider.name}" if misplaced else "")


def _doom(case: _Case, provider: Provider) -> Doom | None:
    if case.status == HTTPStatus.PAYMENT_REQUIRED or case.mentions(_NO_CREDIT):
        return case.doom(f"top up the account of provider {provider.name}, or raise its quota; then apply again")
    if case.status == HTTPStatus.UNAUTHORIZED or case.mentions(_NO_ENTRY):
        variable = provider.api_key_env or "the provider's api_key_env"
        return case.doom(f"check the key in {variable}, its quota and its allowed addresses; then apply again")
    return None


def _read(reply: Reply, secret: Secret | None) -> _Case:
    document = _json(reply)
    error = stated_error(document, secret)
    return _Case(
        status=reply.status,
        document=document,
        error=error,
        said=f"the server answered {_status(reply.status)}{_tail(reply, document, error, secret)}",
        request_id=request_id(reply.headers, document, secret),
        retry_after=retry_after(reply.headers),
        late=reply.late,
    )


def _json(reply: Reply) -> Any:
    """Return the JSON of a whole body, None where there is none."""
    if reply.torn:
        return None
    # The first is several times as fast; the second also takes other encodings, halves of pairs, and infinity.
    for read in (msgspec.json.decode, json.loads):
        with contextlib.suppress(ValueError, RecursionError):
            return read(reply.body)
    return None


def _tail(reply: Reply, document: Any, error: Statement | None, secret: Secret | None) -> str:
    if error is not None:
        return f": {error}"
    if reply.torn:
        return f", but {reply.torn}"
    if document is not None:
        return " with JSON that states neither images nor an error"
    if not reply.body.strip():
        return " with an empty body"
    title = _TITLE.search(reply.body[:8192])
    if title is not None:
        return f' with an HTML page: "{plain(title[1].decode(errors="replace"), secret)}"'
    return " with a body that is not JSON"


def _status(number: int) -> str:
    try:
        return f"{number} {HTTPStatus(number).phrase}"
    except ValueError:
        return str(number)


def _cause(items: tuple[Item, ...]) -> str:
    return next(item.cause for item in items if isinstance(item, FailedItem))

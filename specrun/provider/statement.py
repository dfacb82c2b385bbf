"""The error that a reply states, in any of the shapes that servers use."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from specrun.provider.plain import plain
from specrun.provider.secret import Secret

# Where servers and the gateways before them put the name of a request.
_ID_HEADERS: Final = (
    "x-request-id",
    "request-id",
    "x-requestid",
    "x-tt-logid",
    "x-ms-request-id",
    "x-amzn-requestid",
    "x-oneapi-request-id",
    "x-trace-id",
    "x-correlation-id",
    "cf-ray",
)
_ID_FIELDS: Final = ("request_id", "requestId", "RequestId")

# Parts of the codes with which servers say that moderation stopped them; letters only, see `mentions`.
_MODERATION: Final = ("sensitive", "moderation", "contentpolicy", "contentfilter", "responsibleai", "safetyviolation")

# `error.param` is the request's id at some servers and the path of a parameter, as in `images[0].url`, at others.
_PARAMETER: Final = re.compile(r"[A-Za-z_]+(\[\d*\]|\.[A-Za-z_]+|\.\d+)*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """An error in a server's words, cleaned: `codes` are its codes and types, in lower case."""

    message: str
    codes: frozenset[str]

    def __str__(self) -> str:
        named = ", ".join(sorted(self.codes))
        if not self.message:
            return named
        return f'"{self.message}" ({named})' if named else f'"{self.message}"'

    def mentions(self, *words: str) -> bool:
        """Whether a code holds one of `words`, separators aside: `content_policy` is `ContentPolicy`."""
        codes = [re.sub(r"[^a-z]", "", code) for code in self.codes]
        return any(word in code for word in words for code in codes)

    @property
    def refusal(self) -> bool:
        """Whether moderation speaks."""
        return self.mentions(*_MODERATION)


def stated_error(document: Any, secret: Secret | None) -> Statement | None:
    """Return the error that a JSON body states as `error` or `detail`, None where it states none."""
    if not isinstance(document, Mapping):
        return None
    for name in ("error", "detail"):
        statement = _statement(document.get(name), secret)
        if statement is not None:
            return statement
    return None


def request_id(headers: Mapping[str, str], document: Any, secret: Secret | None) -> str:
    """Return the server's name for a request, from the body or a header; empty where it gives none."""
    for found in _request_ids(headers, document):
        text = plain(found, secret, longest=128)
        if text:
            return text
    return ""


def _request_ids(headers: Mapping[str, str], document: Any) -> Iterator[str]:
    error = document.get("error") if isinstance(document, Mapping) else None
    param = error.get("param") if isinstance(error, Mapping) else None
    if isinstance(param, str) and not _PARAMETER.fullmatch(param):
        yield param
    yield from (headers[name] for name in _ID_HEADERS if name in headers)
    for place in (error, document):
        if isinstance(place, Mapping):
            yield from (place[name] for name in _ID_FIELDS if isinstance(place.get(name), str))


def _statement(value: Any, secret: Secret | None) -> Statement | None:
    if isinstance(value, str):
        message, codes = value, []
    elif isinstance(value, Mapping):
        message = _first_text(value, ("message", "msg", "detail", "error"))
        codes = [_first_text(value, (name,)) for name in ("code", "type")]
    elif isinstance(value, list):
        message, codes = "; ".join(_validation_fault(item) for item in value[:5]), []
    else:
        return None
    cleaned = frozenset(filter(None, (plain(code, secret, longest=80).lower() for code in codes)))
    statement = Statement(message=plain(message, secret), codes=cleaned)
    return statement if statement.message or statement.codes else None


def _validation_fault(item: Any) -> str:
    """Word one of FastAPI's validation errors: `body.size: Input should be a valid string`."""
    if not isinstance(item, Mapping):
        return item if isinstance(item, str) else ""
    place = item.get("loc")
    where = ".".join(str(step) for step in place) if isinstance(place, list) else ""
    message = _first_text(item, ("msg", "message"))
    return f"{where}: {message}" if where and message else message


def _first_text(value: Mapping[Any, Any], names: tuple[str, ...]) -> str:
    for name in names:
        found = value.get(name)
        if isinstance(found, str) and found:
            return found
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
    return ""

"""Canonical JSON (RFC 8785) and the digests taken over it."""

import hashlib
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any, TypeAlias

import rfc8785

Json: TypeAlias = "bool | int | float | str | list[Json] | tuple[Json, ...] | Mapping[str, Json] | None"

# Beyond this a number changes on its way through another JSON library.
LARGEST_INTEGER = 2**53 - 1


class NotCanonicalError(ValueError):
    """A value that canonical JSON cannot hold: NaN, infinity, an integer past 2^53 - 1, a lone surrogate."""


def canonical(value: Json) -> str:
    """Return the RFC 8785 text of `value`; raise `NotCanonicalError` for what has none.

    Scalars, nearly all that a plan of 100,000 runs encodes, skip the library's generality.
    """
    if isinstance(value, str):
        _no_lone_surrogate(value)
        return encode_basestring(value)
    if type(value) is int and -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
        return str(value)
    try:
        return rfc8785.dumps(_plain(value)).decode()
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise NotCanonicalError(str(error)) from error


def digest(text: str | bytes) -> str:
    """Return `sha256:<64 hex digits>` of bytes, or of a text's UTF-8."""
    data = text.encode() if isinstance(text, str) else text
    return "sha256:" + hashlib.sha256(data).hexdigest()


def canonical_digest(value: Json) -> str:
    """Return the digest of a value's canonical JSON."""
    return digest(canonical(value))


def _plain(value: Json) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        _no_lone_surrogate(value)
    elif isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        # The library would print the number, which Python refuses past 4,300 digits.
        raise NotCanonicalError("a whole number lies beyond 2^53 - 1")
    return value


def _no_lone_surrogate(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotCanonicalError("the text holds half of a surrogate pair") from error

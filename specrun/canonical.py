"""Canonical JSON (RFC 8785) and the digests taken over it."""

import hashlib
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import TypeAlias

import rfc8785

Json: TypeAlias = "bool | int | float | str | list[Json] | tuple[Json, ...] | Mapping[str, Json] | None"

# Beyond this a number changes on its way through another JSON library.
LARGEST_INTEGER = 2**53 - 1


class NotCanonicalError(ValueError):
    """A value that canonical JSON cannot hold: NaN, infinity, an integer past 2^53 - 1, a lone surrogate."""


def canonical(value: Json) -> str:
    """Return the RFC 8785 text of `value`; raise `NotCanonicalError` for what has none.

    What plans and provenance are made of, nearly all of it texts and whole numbers, skips the library's generality.
    """
    if isinstance(value, str):
        return _text(value)
    if type(value) is int and -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
        return str(value)
    if isinstance(value, Mapping):
        members = [f"{_text(name)}:{canonical(value[name])}" for name in sorted(value, key=_in_utf_16)]
        return f"{{{','.join(members)}}}"
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(canonical, value))}]"
    return _other(value)


def digest(text: str | bytes) -> str:
    """Return `sha256:<64 hex digits>` of bytes, or of a text's UTF-8."""
    data = text.encode() if isinstance(text, str) else text
    return "sha256:" + hashlib.sha256(data).hexdigest()


def canonical_digest(value: Json) -> str:
    """Return the digest of a value's canonical JSON."""
    return digest(canonical(value))


def _other(value: int | float | None) -> str:
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        # The library would print the number, which Python refuses past 4,300 digits.
        raise NotCanonicalError("a whole number lies beyond 2^53 - 1")
    try:
        return rfc8785.dumps(value).decode()
    except rfc8785.CanonicalizationError as error:
        raise NotCanonicalError(str(error)) from error


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotCanonicalError("the text holds half of a surrogate pair") from error
    return encode_basestring(text)


def _in_utf_16(name: object) -> bytes:
    """Return what RFC 8785 sorts a name by."""
    if not isinstance(name, str):
        raise NotCanonicalError(f"{name!r} names a member and is no text")
    # Halves of pairs pass here, to be told of as such.
    return name.encode("utf-16-be", errors="surrogatepass")

"""The API key, held so that nothing can print it by accident."""

import base64
import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NoReturn

from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.model.project import Provider

SHOWN: Final = "[secret]"


# A shorter one, such as `x` or `local`, is a placeholder for a server that wants none: it occurs in any text by chance,
# and whoever can guess it need not read it.
_SHORTEST: Final = 8
# From this on no text holds it by chance, not even as a part of something longer.
_LONG: Final = 16
_BASE64: Final = "A-Za-z0-9+/_-"


class Secret:
    """A text that shows itself only to `reveal`: not to repr, str, format, pickle or copy.

    `ordinary` is a text that holds no secrets, such as the provider's URL: what occurs there is a placeholder, and so
    is what is too short to be told from ordinary text. A placeholder is nowhere looked for.
    """

    __slots__ = ("_shapes", "_text")

    def __init__(self, text: str, *, ordinary: str = "") -> None:
        self._text = text
        placeholder = len(text) < _SHORTEST or text.lower() in ordinary.lower()
        self._shapes = None if placeholder else _pattern(text)

    def reveal(self) -> str:
        """Return the text itself; for the Authorization header only."""
        return self._text

    def hide(self, text: str) -> str:
        """Return `text` with the secret blotted out: in any letter case, escaped for URLs, JSON or HTML, as base64."""
        return text if self._shapes is None else self._shapes.sub(SHOWN, text)

    def is_told_by(self, url: str) -> bool:
        """Whether a URL gives the secret away: as a part of its own, or within another where that is no chance."""
        if self._shapes is None:
            return False
        found = list(self._shapes.finditer(url))
        return any(len(self._text) >= _LONG or _stands_alone(url, match) for match in found)

    def __repr__(self) -> str:
        return SHOWN

    def __format__(self, _spec: str) -> str:
        return SHOWN

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not copied or stored")


@lru_cache(maxsize=8)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("|".join(_shapes(text)))


def _shapes(text: str) -> Iterator[str]:
    """Yield patterns for the forms in which servers say again what they were told."""
    yield f"(?i:{''.join(map(_escaped, text))})"
    yield f"(?i:{text.encode().hex()})"
    for shift in range(3):
        # Within base64 it looks one of three ways, by what stands before it; the letters at its ends are shared.
        letters = base64.b64encode(bytes(shift) + text.encode()).decode()
        inner = letters[-(-shift * 8 // 6) : (shift + len(text)) * 8 // 6]
        safe = re.escape(inner).replace("\\+", "[+-]").replace("/", "[/_]")
        yield f"[{_BASE64}]{{0,48}}{safe}[{_BASE64}]*=*"


def _escaped(character: str) -> str:
    code = ord(character)
    forms = (
        rf"\\{{0,4}}{re.escape(character)}",
        rf"%(?:25){{0,4}}{code:02x}",
        rf"\\{{1,4}}u00{code:02x}",
        rf"\\{{1,4}}x{code:02x}",
        rf"&\#0{{0,4}}{code};",
        rf"&\#x0{{0,4}}{code:x};",
    )
    return f"(?:{'|'.join(forms)})"


def _stands_alone(text: str, match: re.Match[str]) -> bool:
    around = text[max(0, match.start() - 1) : match.start()] + text[match.end() : match.end() + 1]
    return not any(map(str.isalnum, around))


def api_key(provider: Provider, environ: Mapping[str, str] = os.environ) -> Secret | None:
    """Return the provider's key as the environment holds it now, None where the provider needs none.

    Raises `InvalidInputError`, naming the variable, where it is not set or cannot be a key.
    """
    variable = provider.api_key_env
    if variable is None:
        return None
    # `$(cat file)` and copying by hand leave line breaks and spaces at the ends.
    text = environ.get(variable, "").strip()
    if not text:
        raise InvalidInputError(_no_key(provider, variable))
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise InvalidInputError(_odd_key(provider, variable))
    return Secret(text, ordinary=f"{provider.base_url}/images/generations")


def _no_key(provider: Provider, variable: str) -> Diagnostic:
    return Diagnostic(
        summary="no API key",
        detail=f"provider {provider.name} reads its key from the environment variable {variable}, which is not set",
        hint=f"set {variable}, or add --rehearse to try the spec on the sandbox, which needs no key",
    )


def _odd_key(provider: Provider, variable: str) -> Diagnostic:
    return Diagnostic(
        summary="not an API key",
        detail=f"{variable}, the key of provider {provider.name}, holds spaces, line breaks or characters beyond ASCII",
        hint=f"copy the key again; {variable} must hold it and nothing else",
    )

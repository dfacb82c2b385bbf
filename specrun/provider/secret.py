"""The API key, held so that nothing can print it by accident."""

import os
from collections.abc import Mapping
from typing import Final, NoReturn
from urllib.parse import quote

from specrun.diagnostics import Diagnostic, InvalidInputError
from specrun.model.project import Provider

SHOWN: Final = "[secret]"


class Secret:
    """A text that shows itself only to `reveal`: not to repr, str, format, pickle or copy."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself; for the Authorization header only."""
        return self._text

    def hide(self, text: str) -> str:
        """Return `text` with the secret blotted out, percent-encoded or not."""
        for shape in {self._text, quote(self._text, safe="")}:
            text = text.replace(shape, SHOWN)
        return text

    def is_in(self, text: str) -> bool:
        """Whether `text` gives the secret away."""
        return self.hide(text) != text

    def __repr__(self) -> str:
        return SHOWN

    def __format__(self, _spec: str) -> str:
        return SHOWN

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not copied or stored")


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
    return Secret(text)


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

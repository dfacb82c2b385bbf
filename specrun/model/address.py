"""A run's address, read back into its job and axes."""

import re
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Final

_NAME = re.compile(r"[^=,\[\]]+=")
_BARE = re.compile(r"[^,\]]*")
_JSON: Final = JSONDecoder()


def job_in(address: str) -> str:
    """Return the job that an address names."""
    return address.partition("[")[0]


def axes_in(address: str) -> tuple[tuple[str, str], ...]:
    """Return the axes that an address names, in the order written, each with its label.

    What does not read as axes ends them: an address from a file is not trusted to be whole.
    """
    _, bracket, inner = address.partition("[")
    return tuple(_axes(inner)) if bracket else ()


def _axes(inner: str) -> Iterator[tuple[str, str]]:
    at = 0
    while found := _NAME.match(inner, at):
        name, at = found[0][:-1], found.end()
        if inner.startswith('"', at):
            try:
                label, at = _JSON.raw_decode(inner, at)
            except JSONDecodeError:
                return
        else:
            bare = _BARE.match(inner, at)
            label, at = (bare[0], bare.end()) if bare is not None else ("", at)
        yield name, label
        at += 1

"""What documents that anybody may have written name: held to the rules of output paths before any of it is used."""

import re
from collections.abc import Callable, Iterator, Sequence
from operator import methodcaller
from pathlib import Path

import msgspec

from specrun.diagnostics import Diagnostic, InvalidInputError, Source, Span
from specrun.model.names import usable_name
from specrun.model.path_rules import PathProblemError, checked_image, checked_source, plain_paths

_DIGESTS = re.compile(r"(?:sha256:[0-9a-f]{64}+)*+")
_DIGEST_LENGTH = len("sha256:") + 64
_USUAL = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif")
# A document that is wrong all over is told by its first lines.
_MOST_FAULTS = 20


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """The names in a document that become paths: of its spec, its folder of outputs, its images, their bytes."""

    spec: str
    name: str
    paths: Sequence[str] = ()
    digests: Sequence[str] = ()


def check_named(named: Named, data: bytes, path: Path, what: str, remedy: str) -> None:
    """Raise `InvalidInputError`, with places in the document, for names that specrun would never have written."""
    if not _sound(named):
        text = data.decode(errors="replace")
        faults: list[Diagnostic] = []
        for value, why in _faults(named):
            if len(faults) == _MOST_FAULTS:
                break
            faults.append(_refused(value, why, Source(name=str(path), text=text), what, remedy))
        raise InvalidInputError(*faults)


def is_digest(name: str) -> bool:
    """Whether this is a SHA-256 digest as specrun writes it, fit to name a file."""
    return len(name) == _DIGEST_LENGTH and _DIGESTS.fullmatch(name) is not None


def _sound(named: Named) -> bool:
    """Whether all is as it should be: seen at a glance for nearly all documents, however many images they name."""
    plain = all(map(methodcaller("endswith", _USUAL), named.paths)) and plain_paths(named.paths)
    if plain and usable_name(named.name) and _DIGESTS.fullmatch("".join(named.digests)):
        return _why(checked_source, named.spec) == ""
    return next(_faults(named), None) is None


def _faults(named: Named) -> Iterator[tuple[str, str]]:
    """Yield what may not be used, and why."""
    if why := _why(checked_source, named.spec):
        yield named.spec, f"names a spec that it cannot belong to: {why}"
    if not usable_name(named.name):
        yield named.name, "is no name of a spec, so that nothing can be called after it"
    for path in named.paths:
        if why := _why(checked_image, path):
            yield path, f"cannot be an output path: {why}"
    for digest in named.digests:
        if not is_digest(digest):
            yield digest, "is not a SHA-256 digest"


def _why(check: Callable[[str], str], path: str) -> str:
    try:
        check(path)
    except PathProblemError as error:
        return str(error)
    return ""


def _refused(value: str, why: str, source: Source, what: str, remedy: str) -> Diagnostic:
    written = _written(value)
    return Diagnostic(
        summary=f"{what} that names what it may not",
        detail=f"{written} {why}; nothing of it was read or touched",
        span=_place(written, value, source),
        hint=remedy,
    )


def _written(value: str) -> str:
    return msgspec.json.encode(value.encode("utf-8", "replace").decode()).decode()


def _place(written: str, value: str, source: Source) -> Span | None:
    """Return where a text stands in the document, None where it is escaped in some other way."""
    found = source.text.find(written)
    if found < 0:
        written = f'"{value}"'
        found = source.text.find(written)
    if found < 0:
        return None
    before = source.text[:found]
    line, column = before.count("\n") + 1, found - before.rfind("\n")
    return Span(source=source, line=line, column=column, end_line=line, end_column=column + len(written))

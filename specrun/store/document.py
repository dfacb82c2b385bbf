"""What lock and manifest have in common: a versioned head, then one item a line."""

import codecs
import contextlib
import gc
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from specrun.diagnostics import Diagnostic, InvalidInputError, Source, Span
from specrun.nesting import too_deep
from specrun.store.contained import kind_of, read_regular
from specrun.store.named import Named, check_named

FORMAT_VERSION = "1.0"

# How many lines are joined at a time; a lock of 100,000 runs has 93 MB of them.
_LINES = 1000

T = TypeVar("T")

_MAJOR = re.compile("[0-9]{1,9}")

_ENCODER = msgspec.json.Encoder(order="deterministic")


def document(
    head: Mapping[str, str], tables: Mapping[str, Mapping[str, Any]], items: str, lines: Iterable[bytes]
) -> bytes:
    """Return a JSON document that diffs by line: scalars, then tables with a line an entry, then a line an item."""
    return b"".join(document_pieces(head, tables, items, lines))


def document_pieces(
    head: Mapping[str, str], tables: Mapping[str, Mapping[str, Any]], items: str, lines: Iterable[bytes]
) -> Iterator[bytes]:
    """Yield the same piece by piece, each of a size that others need not wait long for."""
    parts = [f'"{name}": '.encode() + _ENCODER.encode(value) for name, value in head.items()]
    parts += [f'"{name}": '.encode() + _table(table) for name, table in tables.items()]
    yield b"{\n" + b",\n".join([*parts, f'"{items}": ['.encode()])
    rest, before = iter(lines), b"\n"
    while some := list(itertools.islice(rest, _LINES)):
        yield before + b",\n".join(some)
        before = b",\n"
    yield b"]\n}\n" if before == b"\n" else b"\n]\n}\n"


def content_of(path: Path, what: str) -> bytes | None:
    """Return what the file of a lock or manifest holds, None where there is none.

    Raises `InvalidInputError`, without waiting, for what is no file or cannot be read.
    """
    try:
        return read_regular(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        detail = f"{path}: {error.strerror or error}"
        hint = f"move it away: a {what} is a file" if kind_of(path) else "make it readable"
        raise InvalidInputError(Diagnostic(summary=f"unreadable {what}", detail=detail, hint=hint)) from None


def decode(decoder: "msgspec.json.Decoder[T]", data: bytes, path: Path, what: str, named: Callable[[T], Named]) -> T:
    """Return the typed content of a lock, manifest or plan; raise `InvalidInputError` with place and reason.

    What it names, as `named` tells it, is sound: no path in it leads anywhere but where specrun puts such files.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        found = decoder.decode(data)
    except RecursionError:
        raise InvalidInputError(_nested(data.decode(errors="replace"), path, what)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        content = _json(data, path, what)
        _check_version(content, path, what)
        raise InvalidInputError(_invalid(str(error), path, what)) from error
    _check_version({"format_version": getattr(found, "format_version", None)}, path, what)
    check_named(named(found), data, path, what, _restored(what))
    return found


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Spare the garbage collector the walks over 100,000 rows that all stay."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            # Else the first thing that the collector does is to walk over all of them.
            gc.freeze()
            gc.enable()


def _table(table: Mapping[str, Any]) -> bytes:
    entries = [_ENCODER.encode(key) + b": " + _ENCODER.encode(table[key]) for key in sorted(table)]
    return b"{\n" + b",\n".join(entries) + b"\n}" if entries else b"{}"


def _json(data: bytes, path: Path, what: str) -> Any:
    text = data.decode(errors="replace")
    try:
        # Its numbers are only looked at to say what else is wrong; Python would not read some of them.
        return json.loads(text, parse_int=float)
    except RecursionError:
        raise InvalidInputError(_nested(text, path, what)) from None
    except json.JSONDecodeError as error:
        detail = f"not valid JSON: {error.msg}"
        raise InvalidInputError(_placed(detail, text, (error.lineno, error.colno), path, what)) from error


def _nested(text: str, path: Path, what: str) -> Diagnostic:
    return _placed("values nest too deeply here", text, too_deep(text), path, what)


def _placed(detail: str, text: str, at: tuple[int, int], path: Path, what: str) -> Diagnostic:
    line, column = at
    source = Source(name=str(path), text=text)
    place = Span(source=source, line=line, column=column, end_line=line, end_column=column + 1)
    return Diagnostic(summary=f"broken {what}", detail=detail, span=place, hint=_remedy(what))


def _check_version(content: Any, path: Path, what: str) -> None:
    version = content.get("format_version") if isinstance(content, dict) else None
    major = version.partition(".")[0] if isinstance(version, str) else ""
    if not _MAJOR.fullmatch(major):
        raise InvalidInputError(_invalid("no `format_version`", path, what))
    if int(major) > int(FORMAT_VERSION.partition(".")[0]):
        raise InvalidInputError(
            Diagnostic(
                summary=f"{what} of a newer specrun",
                detail=f"{path} has format version {version}; this specrun knows {FORMAT_VERSION}",
                hint="upgrade specrun",
            )
        )


def _invalid(reason: str, path: Path, what: str) -> Diagnostic:
    return Diagnostic(summary=f"broken {what}", detail=f"{path}: {reason}", hint=_remedy(what))


def _remedy(what: str) -> str:
    if what == "lock":
        return "bring it back from git, or delete it: the next apply writes it again from the ledger and the store"
    if what == "plan":
        return "plan again, and review the new plan: specrun plan -o FILE SPEC"
    return f"delete it: the next apply writes the {what} again"


def _restored(what: str) -> str:
    """Return what to do about a document that somebody has changed."""
    if what == "lock":
        return "bring the lock back from git; where it came with somebody's change, do not take that change"
    return _remedy(what)

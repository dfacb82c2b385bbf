"""What lock and manifest have in common: a versioned head, then one item a line."""

import contextlib
import gc
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from specrun.diagnostics import Diagnostic, InvalidInputError, Source, Span
from specrun.nesting import too_deep

FORMAT_VERSION = "1.0"

T = TypeVar("T")

_MAJOR = re.compile("[0-9]{1,9}")

_ENCODER = msgspec.json.Encoder(order="deterministic")


def document(
    head: Mapping[str, str], tables: Mapping[str, Mapping[str, Any]], items: str, lines: Iterable[bytes]
) -> bytes:
    """Return a JSON document that diffs by line: scalars, then tables with a line an entry, then a line an item."""
    parts = [f'"{name}": '.encode() + _ENCODER.encode(value) for name, value in head.items()]
    parts += [f'"{name}": '.encode() + _table(table) for name, table in tables.items()]
    body = b",\n".join(lines)
    parts.append(f'"{items}": '.encode() + (b"[\n" + body + b"\n]" if body else b"[]"))
    return b"{\n" + b",\n".join(parts) + b"\n}\n"


def decode(decoder: "msgspec.json.Decoder[T]", data: bytes, path: Path, what: str) -> T:
    """Return the typed content of a lock or manifest; raise `InvalidInputError` with place and reason."""
    try:
        found = decoder.decode(data)
    except RecursionError:
        raise InvalidInputError(_nested(data.decode(errors="replace"), path, what)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        content = _json(data, path, what)
        _check_version(content, path, what)
        raise InvalidInputError(_invalid(str(error), path, what)) from error
    _check_version({"format_version": getattr(found, "format_version", None)}, path, what)
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
        return "plan again with -o"
    return f"delete it: the next apply writes the {what} again"

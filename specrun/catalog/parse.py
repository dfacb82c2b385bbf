"""JSON files become values, strictly, with a place for what is wrong."""

import json
from pathlib import Path
from typing import Any, NoReturn

from specrun.catalog.position import span_at
from specrun.diagnostics import Diagnostic, InvalidInputError, Source, Span
from specrun.nesting import too_deep
from specrun.store.contained import open_regular

LARGEST_SCHEMA = 1 << 20
_LONGEST_NUMBER = 400


def read_source(path: Path) -> Source:
    """Read a text file of the project; it is named by its folder and name. Raises `InvalidInputError`."""
    name = f"{path.parent.name}/{path.name}"
    try:
        with open_regular(path) as file:
            data = file.read(LARGEST_SCHEMA + 1)
        if len(data) <= LARGEST_SCHEMA:
            return Source(name=name, text=data.decode("utf-8-sig"))
        detail, hint = f"{name} is over 1 MiB", "leave out what describes no parameter"
    except OSError as error:
        detail, hint = f"{name} cannot be read: {error.strerror}", "make it readable, or move it elsewhere"
    except UnicodeDecodeError as error:
        detail, hint = f"{name} is not UTF-8: byte {error.start + 1} fits no character", "save it as UTF-8"
    raise InvalidInputError(Diagnostic(summary="unreadable file", detail=detail, hint=hint))


def parse_json(source: Source) -> Any:
    """Parse JSON as its standard has it: no NaN, no name twice in an object. Raises `InvalidInputError`."""
    try:
        return json.loads(source.text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_whole)
    except json.JSONDecodeError as error:
        # The messages of the json module carry the place once more, behind a colon.
        detail, start = f"not JSON: {error.msg[0].lower()}{error.msg[1:]}", error.pos
    except RecursionError:
        line, column = too_deep(source.text)
        span = Span(source=source, line=line, column=column, end_line=line, end_column=column + 1)
        raise InvalidInputError(_invalid("nested too deeply", span)) from None
    except ValueError as error:
        detail, start = str(error), 0
    raise InvalidInputError(_invalid(detail, span_at(source, start, start + 1)))


def _invalid(detail: str, span: Span) -> Diagnostic:
    return Diagnostic(summary="invalid JSON", detail=detail, span=span, hint="correct it as JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f'"{name}" stands twice in one object')
        found[name] = value
    return found


def _whole(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError(f"a number has {len(digits):,} digits")
    return int(digits)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")

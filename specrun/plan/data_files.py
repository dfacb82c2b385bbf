"""CSV, JSON, YAML and lists of lines to plain data, within bounds."""

import csv
import io
import json
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from specrun.diagnostics import InvalidInputError, Source
from specrun.nesting import too_deep
from specrun.plan.bounds import MOST_VALUES, TooMuchError, check_data
from specrun.spec.merged import KEEP_ONE, LEFT_BY_GIT, conflict_line
from specrun.spec.nodes import plain
from specrun.spec.yaml import parse_yaml

_LONGEST_NUMBER = 400
# What Excel alone takes for no row.
_EXCEL = re.compile(r"\"?sep=([^\w\n])\"?\n")
# A row's own weight beside its fields.
_ROW = 4


class DataError(ValueError):
    """A file that does not hold what it is read as; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Table(msgspec.Struct, frozen=True):
    """The rows of a CSV file, and the line that each begins on."""

    rows: list[dict[str, str]]
    lines: Sequence[int]


def read_csv(text: str, delimiter: str, quotechar: str) -> Table:
    """Return rows as mappings of texts, keyed by the header; those without anything in them are left out."""
    quoting: Any = {"quotechar": quotechar} if quotechar else {"quoting": csv.QUOTE_NONE}
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, **quoting)
    except (TypeError, ValueError) as error:
        raise DataError(str(error)) from None
    if separator := _EXCEL.match(text):
        hint = f"delete that line; csv('…', delimiter={_written(separator[1])}) says the same"
        raise DataError(f"its first line, sep={separator[1]}, speaks to Excel alone", hint)
    rows = _rows(reader)
    header = [name.strip() for name in next(rows, (0, []))[1]]
    _check_header(header)
    records: list[dict[str, str]] = []
    lines = array("L")
    values = 0
    for line, row in rows:
        if len(row) != len(header):
            raise DataError(
                f"line {line} has {len(row)} fields, the header {len(header)}",
                "quote fields that hold the delimiter, or name another delimiter",
            )
        values += len(row) + _ROW
        if values > MOST_VALUES:
            raise DataError(f"it holds more than some {MOST_VALUES:,} values", "split it, or leave columns out")
        records.append(dict(zip(header, row, strict=True)))
        lines.append(line)
    return Table(records, lines)


def _rows(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that has anything in it, with the line that it begins on."""
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise _broken_row(line, str(error)) from None
        if row is None:
            return
        if any(map(str.strip, row)):
            yield line, row


def _broken_row(line: int, problem: str) -> DataError:
    plain_quotes = "use quotechar='' where quotes are plain characters"
    if problem == "unexpected end of data":
        detail = f"line {line}: a quote opens in this row, and none closes it to the end of the file"
        return DataError(detail, f"close it, or {plain_quotes}")
    return DataError(
        f"line {line}: {problem}", f'double a quote that stands within quotes, as in "5"" pipe"; {plain_quotes}'
    )


def _check_header(header: list[str]) -> None:
    if not header:
        raise DataError("the file is empty", "start it with a line of column names")
    if "" in header:
        raise DataError(f"column {header.index('') + 1} has no name", "mend its first line")
    name, times = Counter(header).most_common(1)[0]
    if times > 1:
        raise DataError(f'{times} columns are called "{name}"', "mend its first line")


def divided_otherwise(known: list[str]) -> str:
    """Say what to do where all columns of a table came as one, since other signs than commas divide them."""
    sign = next((each for each in "\t;|" if len(known) == 1 and each in known[0]), "")
    return f"the columns are divided otherwise: csv('…', delimiter={sign!r})" if sign else ""


def read_json(text: str) -> Any:
    """Return what a JSON document holds."""
    # A list of a million empty lists is small as text and large in memory.
    if text.count(",") + text.count("[") + text.count("{") > MOST_VALUES:
        raise DataError(f"it holds more than some {MOST_VALUES:,} values", "split it")
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_int=_whole, object_pairs_hook=_unique)
        check_data(value)
    except RecursionError:
        line, column = too_deep(text)
        raise DataError(f"line {line}, column {column}: values nest too deeply") from None
    except json.JSONDecodeError as error:
        raise DataError(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except (ValueError, TooMuchError) as error:
        raise DataError(str(error)) from None
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _whole(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError(f"a number has {len(digits):,} digits, which JSON does not carry; make it a text")
    return int(digits)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        name, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f'the key "{name}" stands twice in one object')
    return found


def read_yaml(text: str, name: str) -> Any:
    """Return what a YAML document holds, by the core schema as in specs."""
    try:
        return plain(parse_yaml(Source(name=name, text=text)))
    except InvalidInputError as error:
        fault = error.diagnostics[0]
        place = f"line {fault.span.line}, column {fault.span.column}: " if fault.span is not None else ""
        raise DataError(f"{place}{fault.summary}: {fault.detail}", fault.hint) from None


def check_text(text: str) -> None:
    """Refuse what is no text that a person wrote, before it is taken for data."""
    if text.startswith("version https://git-lfs"):
        raise DataError("it only says where Git LFS keeps the file", "run `git lfs pull`")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"line {line} holds U+0000, as UTF-16 has it", "save it as UTF-8")
    check_merged(text)


def read_lines(text: str) -> list[str]:
    """Return a text's lines without spaces at their ends; blank ones are left out."""
    return [line.rstrip() for line in text.split("\n") if line.strip()]


def _written(delimiter: str) -> str:
    return r"'\t'" if delimiter == "\t" else f"'{delimiter}'"


def check_merged(text: str) -> None:
    """Refuse what git left both sides of a merge in, before it is taken for data."""
    line = conflict_line(text)
    if line is not None:
        raise DataError(f"line {line} has a conflict marker: {LEFT_BY_GIT}", KEEP_ONE)

"""Diagnostics as text for people, JSON for programs and annotations for GitHub."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from rich.cells import cell_len

from specrun.diagnostics import Diagnostic, Severity, Span
from specrun.report import inert
from specrun.report.ink import PLAIN, Ink, Role
from specrun.report.words import count
from specrun.secrets import masked, masked_line
from specrun.spec.root import PROJECT_FILE

# A tab shows as a fixed number of spaces, so that carets stand right whatever the terminal's tab stops are.
TAB = "    "
# Source lines longer than this (in characters) show only what is around the caret.
WIDEST_LINE = 160
BEFORE_CARET = 60
MOST_SHOWN = 200
# A secret's name may stand on a line above it.
_ABOVE = 5
# Of a line without end, only what is around the caret is shown.
_NEAR = 2000

_ROLES = {Severity.ERROR: Role.ERROR, Severity.WARNING: Role.WARNING}


def as_text(diagnostics: Iterable[Diagnostic], ink: Ink = PLAIN) -> str:
    """Return one paragraph a diagnostic: place, summary, why, source line with caret, fix."""
    return "\n".join("\n".join(_paragraph(_discreet(diagnostic), ink)) + "\n" for diagnostic in _first(diagnostics))


def as_records(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Return diagnostics as JSON objects with the fields of `Diagnostic` and its span, absent ones left out."""
    return [_record(_discreet(diagnostic)) for diagnostic in _first(diagnostics)]


def as_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Return one JSON document that holds all diagnostics."""
    document = {"format_version": "1.0", "diagnostics": as_records(diagnostics)}
    return inert.json_text(json.dumps(document, ensure_ascii=False, indent=2)) + "\n"


def as_github(diagnostics: Iterable[Diagnostic]) -> str:
    """Return one GitHub workflow command a diagnostic, which GitHub shows beside the line it is about."""
    return "".join(f"{_command(_discreet(diagnostic))}\n" for diagnostic in _first(diagnostics))


def tally(diagnostics: Iterable[Diagnostic]) -> str:
    """Return `2 errors, 1 warning`."""
    severities = [diagnostic.severity for diagnostic in diagnostics]
    counts = [(severities.count(severity), severity.value) for severity in Severity]
    return ", ".join(count(number, noun) for number, noun in counts if number)


def _first(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return as many as anybody reads, errors rather than warnings, and at the end how many more there are."""
    found = list(diagnostics)
    if len(found) <= MOST_SHOWN:
        return found
    by_severity = sorted(range(len(found)), key=lambda number: found[number].severity is not Severity.ERROR)
    kept = set(by_severity[:MOST_SHOWN])
    rest = [diagnostic for number, diagnostic in enumerate(found) if number not in kept]
    severity = Severity.ERROR if any(each.severity is Severity.ERROR for each in rest) else Severity.WARNING
    more = Diagnostic(
        summary="too many to show", detail=f"{tally(rest)} more", hint="mend the ones above first", severity=severity
    )
    return [*(found[number] for number in sorted(kept)), more]


def _discreet(diagnostic: Diagnostic) -> Diagnostic:
    """Return a diagnostic without the secrets that somebody wrote where they do not belong."""
    span = diagnostic.span
    hidden: tuple[str, ...] = ()
    if span is not None:
        _, hidden = _shown_line(span)
    return replace(diagnostic, detail=masked(diagnostic.detail, hidden), hint=masked(diagnostic.hint, hidden))


def _shown_line(span: Span) -> tuple[str, tuple[str, ...]]:
    """Return a place's line without secrets, and those."""
    source, number = span.source, span.line
    line, above = source.line(number), ""
    start, end = max(0, span.column - _NEAR), span.column + _NEAR
    if not start:
        above = "\n".join(source.line(each)[:_NEAR] for each in range(max(1, number - _ABOVE), number))
    project = Path(source.name).name == PROJECT_FILE
    shown, hidden = masked_line(source.name, above, line[start:end], project=project)
    return f"{line[:start]}{shown}{line[end:]}", hidden


def _paragraph(diagnostic: Diagnostic, ink: Ink) -> Iterator[str]:
    span = diagnostic.span
    place = ink(f"{inert.line(str(span))}: ", Role.STRONG) if span is not None else ""
    severity = ink(f"{diagnostic.severity.value}:", _ROLES[diagnostic.severity])
    yield f"{place}{severity} {ink(inert.line(diagnostic.summary), Role.STRONG)}"
    for part in _lines(diagnostic.detail):
        yield f"  {part}"
    if span is not None:
        yield from _excerpt(span, ink, _ROLES[diagnostic.severity])
    if hit := _hit(diagnostic):
        yield f"  {inert.line(hit)}"
    for part in _lines(diagnostic.hint):
        yield f"  {ink('hint:', Role.HINT)} {part}"


def _hit(diagnostic: Diagnostic) -> str:
    """Return which runs one fault hits: `in 3 runs, for example shots[item=X1]`."""
    parts = [f"in {count(diagnostic.runs, 'run')}"] if diagnostic.runs else []
    parts += [f"for example {diagnostic.example}"] if diagnostic.example else []
    return ", ".join(parts)


def _lines(text: str) -> list[str]:
    return [inert.line(part) for part in text.split("\n")] if text else []


def _excerpt(span: Span, ink: Ink, role: Role) -> Iterator[str]:
    line, _ = _shown_line(span)
    if not line.strip():
        return
    start = min(span.column - 1, len(line))
    end = min(span.end_column - 1, len(line)) if span.end_line == span.line else len(line)
    line, start, end = _window(line, start, max(start, end))
    before, marked = _visible(line[:start]), _visible(line[start:end])
    gutter = f"{span.line} |"
    carets = "^" * max(1, cell_len(marked))
    yield f"  {ink(gutter, Role.QUIET)} {before}{marked}{_visible(line[end:])}"
    yield f"  {ink('|'.rjust(len(gutter)), Role.QUIET)} {' ' * cell_len(before)}{ink(carets, role)}"


def _window(line: str, start: int, end: int) -> tuple[str, int, int]:
    """Cut a long line to what surrounds the caret; return it with the caret's new bounds."""
    if len(line) <= WIDEST_LINE:
        return line.rstrip(), start, end
    left = max(0, start - BEFORE_CARET)
    right = min(len(line), left + WIDEST_LINE)
    head, tail = "…" if left else "", "…" if right < len(line) else ""
    shift = len(head) - left
    return f"{head}{line[left:right]}{tail}", start + shift, min(end, right) + shift


def _visible(text: str) -> str:
    return inert.line(text.replace("\t", TAB))


def _record(diagnostic: Diagnostic) -> dict[str, Any]:
    record: dict[str, Any] = {"severity": diagnostic.severity.value, "summary": diagnostic.summary}
    span = diagnostic.span
    if span is not None:
        record |= {
            "file": span.source.name,
            "line": span.line,
            "column": span.column,
            "end_line": span.end_line,
            "end_column": span.end_column,
        }
    optional = {
        "detail": diagnostic.detail,
        "hint": diagnostic.hint,
        "runs": diagnostic.runs,
        "example": diagnostic.example,
    }
    return record | {name: value for name, value in optional.items() if value}


def _command(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    properties = {"title": diagnostic.summary}
    if span is not None:
        properties = {
            "file": span.source.name,
            "line": str(span.line),
            "col": str(span.column),
            "endLine": str(span.end_line),
            "endColumn": str(span.end_column),
        } | properties
    listed = ",".join(f"{name}={inert.github_property(value)}" for name, value in properties.items())
    hint = f"hint: {diagnostic.hint}" if diagnostic.hint else ""
    message = "\n".join(part for part in (diagnostic.detail, _hit(diagnostic), hint) if part) or diagnostic.summary
    return f"::{diagnostic.severity.value} {listed}::{inert.github_message(message)}"

"""What a YAML parser complains of, in words and places that help."""

from typing import Any

import yaml

from specrun.diagnostics import Diagnostic, Source, Span

_QUOTE = 'quote the template: "{{ … }}"'


def syntax_fault(source: Source, error: yaml.YAMLError) -> Diagnostic:
    """Return what is wrong with a text that is not YAML."""
    conflict = _conflict(source)
    if conflict is not None:
        return conflict
    if isinstance(error, yaml.reader.ReaderError):
        return _bad_character(source, error)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    problem = getattr(error, "problem", None) or str(error)
    context = getattr(error, "context", None)
    detail = f"{context}: {problem}" if context else problem
    hint = _hint(problem, source.line(line + 1), column)
    return Diagnostic(summary="not YAML", detail=detail, span=_at(source, line, column), hint=hint)


def braces_hint(line: str) -> str:
    """Return what to do where a template without quotes reads as a mapping."""
    return _QUOTE if "{{" in line else ""


def _hint(problem: str, line: str, column: int) -> str:
    if "\\t" in problem or line[: column + 1].strip(" ").startswith("\t"):
        return "indent with spaces, not tabs"
    if "{{" in line and '"{{' not in line and "'{{" not in line:
        return _QUOTE
    if "mapping values are not allowed" in problem:
        return "quote a text that holds `: `, or check the indentation"
    return ""


def _conflict(source: Source) -> Diagnostic | None:
    """Name the true cause of what is no YAML because git left both sides of a merge in it."""
    for number, line in enumerate(source.text.split("\n")):
        if line.startswith("<<<<<<< "):
            detail = "git left both sides of a merge here"
            hint = "keep the lines that are right, and remove the markers"
            span = _at(source, number, 0, length=7)
            return Diagnostic(summary="conflict markers", detail=detail, span=span, hint=hint)
    return None


def _bad_character(source: Source, error: Any) -> Diagnostic:
    # libyaml counts bytes, PyYAML characters: look for the character itself.
    code = error.character if isinstance(error.character, int) else ord(error.character[:1] or "\0")
    position = max(source.text.find(chr(code)), 0)
    before = source.text[:position]
    span = _at(source, before.count("\n"), position - (before.rfind("\n") + 1))
    detail = f"the character U+{code:04X} may not stand in YAML"
    hint = 'write it as an escape in double quotes, as in "\\x07", or remove it'
    return Diagnostic(summary="not YAML", detail=detail, span=span, hint=hint)


def _at(source: Source, line: int, column: int, *, length: int = 1) -> Span:
    """Return a place that the parser counts from 0."""
    return Span(source=source, line=line + 1, column=column + 1, end_line=line + 1, end_column=column + 1 + length)

"""What a YAML parser complains of, in words and places that help."""

from typing import Any

import yaml

from specrun.diagnostics import Diagnostic, Source, Span
from specrun.spec.merged import CONFLICT, KEEP_ONE, LEFT_BY_GIT, conflict_line
from specrun.spec.yaml_slips import way_out


def syntax_fault(source: Source, error: yaml.YAMLError) -> Diagnostic:
    """Return what is wrong with a text that is not YAML."""
    conflict = _conflict(source)
    if conflict is not None:
        return conflict
    if isinstance(error, yaml.reader.ReaderError):
        return _bad_character(source, error)
    begun, mark = getattr(error, "context_mark", None), getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    context = getattr(error, "context", None)
    detail = f"{context}: {problem}" if context else problem
    if mark is None or (begun is not None and not _rest(source, mark).strip()):
        # What never ends is shown where it begins.
        mark = begun
    if begun is not None and "could not find expected ':'" in problem:
        mark = begun  # the key that lacks it, and not what follows
    summary = "not YAML"
    if "maximum nesting depth" in problem:
        # Newer parsers give up by themselves, before a depth is counted here.
        summary, detail = "nested too deeply", "values nest deeper than any spec may up to here"
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    above = source.line(line) if line else ""
    hint = way_out(problem, above, source.line(line + 1), column, begun)
    return Diagnostic(summary=summary, detail=detail, span=_at(source, line, column), hint=hint)


def _rest(source: Source, mark: Any) -> str:
    return source.line(mark.line + 1)[mark.column :] + source.line(mark.line + 2)


def _conflict(source: Source) -> Diagnostic | None:
    """Name the true cause of what is no YAML because git left both sides of a merge in it."""
    line = conflict_line(source.text, whole=False)
    if line is None:
        return None
    span = _at(source, line - 1, 0, length=7)
    return Diagnostic(summary=CONFLICT, detail=LEFT_BY_GIT, span=span, hint=KEEP_ONE)


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

"""YAML with the 1.2 core schema, source places and bounds, over PyYAML's event parser."""

import re
from pathlib import Path
from typing import Any, NoReturn

import yaml

from specrun.diagnostics import Diagnostic, InvalidInputError, Source, Span
from specrun.spec.nodes import Mapping, Node, Scalar, Sequence

LARGEST_FILE = 16 * 1024 * 1024
DEEPEST_NESTING = 64
MOST_ALIASED = 1_000_000

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_RADIX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_NUMERIC_START = frozenset("+-.0123456789")
_LONGEST_NUMBER = 400
_CORE = "tag:yaml.org,2002:"


def load_yaml(path: Path, name: str) -> Node:
    """Read and parse one file; `name` is how messages call it. Raise `InvalidInputError` with its place."""
    return parse_yaml(read_source(path, name))


def read_source(path: Path, name: str) -> Source:
    """Read a UTF-8 text that messages can point into."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise _problem(
                "file too large", f"{name} is over 16 MiB", hint="split it, or keep data in csv or json files"
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise _problem("no such file", f"{name} does not exist") from None
    except IsADirectoryError:
        raise _problem("not a file", f"{name} is a folder") from None
    except OSError as error:
        raise _problem("unreadable file", f"{name}: {error.strerror or error}") from None
    try:
        return Source(name=name, text=data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        detail = f"{name} has a byte that is not UTF-8 on line {line}"
        raise _problem("not UTF-8", detail, hint="save the file as UTF-8") from None


def parse_yaml(source: Source) -> Node:
    """Parse one YAML document; raise `InvalidInputError` with the place of its first fault."""
    return _Composer(source).document()


class _Composer:
    """Builds nodes straight from parser events: one pass finds depth, duplicates and alias bombs as they come."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._anchors: dict[str, Node | None] = {}
        self._depth = 0
        self._aliased = 0
        try:
            self._parser = _Parser(source.text)
        except yaml.YAMLError as error:
            self._syntax_error(error)

    def document(self) -> Node:
        try:
            self._next()  # stream start
            event = self._next()
            if isinstance(event, yaml.StreamEndEvent):
                raise _problem("empty file", f"{self._source.name} holds no YAML")
            node = self._node(self._next())
            self._next()  # document end
            event = self._next()
            if not isinstance(event, yaml.StreamEndEvent):
                self._fail(event, "more than one document", "a spec is one YAML document", "remove the second `---`")
        except yaml.YAMLError as error:
            self._syntax_error(error)
        finally:
            self._parser.dispose()
        return node

    def _next(self) -> Any:
        return self._parser.get_event()

    def _node(self, event: Any) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            node: Node = self._scalar(event)
            if event.anchor is not None:
                self._anchors[event.anchor] = node
            return node
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        self._depth += 1
        if self._depth > DEEPEST_NESTING:
            self._fail(event, "nested too deeply", f"values nest more than {DEEPEST_NESTING} levels deep here")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node = self._sequence(event) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._depth -= 1
        return node

    def _alias(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            self._fail(event, "unknown alias", f"nothing above is anchored as &{event.anchor}")
        node = self._anchors[event.anchor]
        if node is None:
            self._fail(event, "circular alias", f"*{event.anchor} stands inside what it names")
        self._aliased += node.weight
        if self._aliased > MOST_ALIASED:
            detail = f"aliases up to here stand for more than {MOST_ALIASED:,} values"
            self._fail(event, "aliases expand too far", detail)
        return node

    def _sequence(self, start: Any) -> Sequence:
        items = []
        weight = 1
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            item = self._node(event)
            items.append(item)
            weight += item.weight
        node = Sequence(self._source, _at(start.start_mark), _at(event.end_mark), tuple(items))
        node.weight = weight
        self._check_tag(start, "seq")
        return node

    def _mapping(self, start: Any) -> Mapping:
        entries: dict[str, tuple[Scalar, Node]] = {}
        merges: list[tuple[Any, Node]] = []
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._fail(event, "key is not a text", "keys are plain texts", self._braces_hint(event))
            key = self._scalar(event)
            value = self._node(self._next())
            if event.value == "<<" and event.implicit[0]:
                merges.append((event, value))
                continue
            if not isinstance(key.value, str):
                self._fail(event, "key is not a text", f"the key {key.text or 'null'} is not a text", "quote it")
            if key.value in entries:
                first = entries[key.value][0].span.line
                self._fail(
                    event, "duplicate key", f'"{key.value}" already stands on line {first}', "remove one of them"
                )
            entries[key.value] = (key, value)
        for merge_event, value in merges:
            self._merge(entries, merge_event, value)
        node = Mapping(self._source, _at(start.start_mark), _at(event.end_mark), entries)
        node.weight = 1 + sum(value.weight for _, value in entries.values())
        self._check_tag(start, "map")
        return node

    def _merge(self, entries: dict[str, tuple[Scalar, Node]], event: Any, value: Node) -> None:
        """Apply `<<`: keys written here win, then the earliest merged mapping."""
        for merged in value.items if isinstance(value, Sequence) else (value,):
            if not isinstance(merged, Mapping):
                self._fail(event, "cannot merge", "`<<` takes a mapping or a list of mappings")
            for name, entry in merged.entries.items():
                entries.setdefault(name, entry)

    def _scalar(self, event: Any) -> Scalar:
        text = event.value
        value: bool | int | float | str | None = text
        if event.tag is not None and event.tag != "!":
            value = self._tagged(event, text)
        elif event.implicit[0]:
            value = self._core(event, text)
        node = Scalar(
            self._source,
            _at(event.start_mark),
            _at(event.end_mark),
            value=value,
            text=text,
            style="" if event.style in (None, ":") else event.style,
        )
        node.weight = 1 + len(text) // 64
        return node

    def _core(self, event: Any, text: str) -> bool | int | float | str | None:
        """Resolve a plain scalar as YAML 1.2's core schema does: `16:9`, `no` and dates stay texts."""
        if text[:1] in _NUMERIC_START and text:
            return self._number(event, text)
        if text in _NULL:
            return None
        return _BOOL.get(text, text)

    def _number(self, event: Any, text: str) -> int | float | str:
        if len(text) > _LONGEST_NUMBER:
            return text
        if _INT.fullmatch(text):
            return int(text)
        if _RADIX.fullmatch(text):
            return int(text, 0)
        if _FLOAT.fullmatch(text):
            value = float(text)
            if value in (float("inf"), float("-inf")):
                self._fail(event, "number too large", f"{text} does not fit a 64-bit float")
            return value
        if _NOT_FINITE.fullmatch(text):
            self._fail(event, "not a finite number", f"{text} has no place in a request", "quote it if it is a text")
        return text

    def _tagged(self, event: Any, text: str) -> bool | int | float | str | None:
        tag = event.tag.removeprefix(_CORE)
        if tag == "str":
            return str(text)
        value = self._core(event, text)
        matches = {"null": value is None, "bool": isinstance(value, bool)}
        matches["int"] = isinstance(value, int) and not isinstance(value, bool)
        matches["float"] = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not matches.get(tag, False):
            self._fail(event, "unsupported tag", f"`{event.tag}` cannot be used here", "remove the tag")
        return value

    def _check_tag(self, event: Any, tag: str) -> None:
        if event.tag not in (None, "!", _CORE + tag):
            self._fail(event, "unsupported tag", f"`{event.tag}` cannot be used here", "remove the tag")

    def _braces_hint(self, event: Any) -> str:
        line = self._source.line(event.start_mark.line + 1)
        return 'quote the template: "{{ … }}"' if "{{" in line else ""

    def _fail(self, event: Any, summary: str, detail: str, hint: str = "") -> NoReturn:
        start, end = event.start_mark, event.end_mark
        span = Span(
            source=self._source,
            line=start.line + 1,
            column=start.column + 1,
            end_line=end.line + 1,
            end_column=end.column + 1,
        )
        raise InvalidInputError(Diagnostic(summary=summary, detail=detail, span=span, hint=hint))

    def _syntax_error(self, error: yaml.YAMLError) -> NoReturn:
        self._refuse_conflict()
        if isinstance(error, yaml.reader.ReaderError):
            self._bad_character(error)
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        context = getattr(error, "context", None)
        line, column = (mark.line, mark.column) if mark is not None else (0, 0)
        here = Span(source=self._source, line=line + 1, column=column + 1, end_line=line + 1, end_column=column + 2)
        text = self._source.line(line + 1)
        hint = ""
        if "\\t" in problem or text[: column + 1].strip(" ").startswith("\t"):
            hint = "indent with spaces, not tabs"
        elif "{{" in text and '"{{' not in text and "'{{" not in text:
            hint = 'quote the template: "{{ … }}"'
        elif "mapping values are not allowed" in problem:
            hint = "quote a text that holds `: `, or check the indentation"
        detail = f"{context}: {problem}" if context else problem
        raise InvalidInputError(Diagnostic(summary="not YAML", detail=detail, span=here, hint=hint)) from None

    def _refuse_conflict(self) -> None:
        """Name the true cause of what is no YAML because git left both sides of a merge in it."""
        for number, line in enumerate(self._source.text.split("\n"), start=1):
            if line.startswith("<<<<<<< "):
                here = Span(source=self._source, line=number, column=1, end_line=number, end_column=8)
                detail = "git left both sides of a merge here"
                hint = "keep the lines that are right, and remove the markers"
                raise InvalidInputError(Diagnostic(summary="conflict markers", detail=detail, span=here, hint=hint))

    def _bad_character(self, error: Any) -> NoReturn:
        # libyaml counts bytes, PyYAML characters: look for the character itself.
        code = error.character if isinstance(error.character, int) else ord(error.character[:1] or "\0")
        position = max(self._source.text.find(chr(code)), 0)
        before = self._source.text[:position]
        line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
        here = Span(source=self._source, line=line, column=column, end_line=line, end_column=column + 1)
        detail = f"the character U+{code:04X} may not stand in YAML"
        hint = 'write it as an escape in double quotes, as in "\\x07", or remove it'
        raise InvalidInputError(Diagnostic(summary="not YAML", detail=detail, span=here, hint=hint)) from None


def _at(mark: Any) -> tuple[int, int]:
    return mark.line, mark.column


def _problem(summary: str, detail: str, *, hint: str = "") -> InvalidInputError:
    return InvalidInputError(Diagnostic(summary=summary, detail=detail, hint=hint))

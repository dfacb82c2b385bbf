"""YAML with the 1.2 core schema, source places and bounds, over PyYAML's event parser."""

from pathlib import Path
from typing import Any, NoReturn

import yaml

from specrun.diagnostics import Collector, Diagnostic, InvalidInputError, Source, Span, did_you_mean
from specrun.spec.core_schema import UnusableScalarError, Value, fits, resolve, resolve_tagged, written
from specrun.spec.nodes import Mapping, Node, Scalar, Sequence
from specrun.spec.yaml_characters import Disguise
from specrun.spec.yaml_slips import QUOTE
from specrun.spec.yaml_strict import LooseSyntax
from specrun.spec.yaml_syntax import syntax_fault
from specrun.store.contained import open_regular

LARGEST_FILE = 16 * 1024 * 1024
DEEPEST_NESTING = 64
MOST_FAULTS = 100
# A value takes some 300 bytes and 3 µs.
MOST_VALUES = 300_000

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(path: Path, name: str) -> Node:
    """Read and parse one file or pipe; `name` is how messages call it. Raise `InvalidInputError` with every fault."""
    return parse_yaml(read_source(path, name, pipe=True))


def parse_yaml(source: Source) -> Node:
    """Parse one YAML document; raise `InvalidInputError` with every fault."""
    faults = Collector()
    node = compose(source, faults)
    faults.stop_on_errors()
    return node


def compose(source: Source, faults: Collector) -> Node:
    """Parse one YAML document; faults that leave its structure plain are collected, others raised with those."""
    return _Composer(source, faults).document()


def read_source(path: Path, name: str, *, pipe: bool = False) -> Source:
    """Read a UTF-8 text that messages can point into, with one kind of line end, whatever git made of them.

    Anything but a file is read only with `pipe`.
    """
    try:
        data = read_bounded(path, pipe=pipe)
    except FileNotFoundError:
        raise _problem("no such file", f"{name} does not exist", hint=_nearby(path)) from None
    except IsADirectoryError:
        raise _problem("not a file", f"{name} is a folder") from None
    except OSError as error:
        raise _problem("unreadable file", f"{name}: {error.strerror or error}") from None
    if data is None:
        raise _problem("file too large", f"{name} is over 16 MiB", hint="split it, or keep data in csv or json files")
    try:
        return Source(name=name, text=data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        detail = f"{name} has a byte that is not UTF-8 on line {line}"
        raise _problem("not UTF-8", detail, hint="save the file as UTF-8") from None


def read_bounded(path: Path, *, pipe: bool = False) -> bytes | None:
    """Return what a file holds, None where that is over 16 MiB, whatever size it is said to have."""
    with path.open("rb") if pipe else open_regular(path) as file:
        data = file.read(LARGEST_FILE + 1)
    return data if len(data) <= LARGEST_FILE else None


class _Composer:
    """Builds nodes straight from parser events: one pass finds depth, duplicates and alias bombs as they come."""

    def __init__(self, source: Source, faults: Collector) -> None:
        self._source = source
        self._faults = faults
        self._failures = 0
        self._values = 0
        self._anchors: dict[str, Node | None] = {}
        self._depth = 0
        self._disguise = Disguise(source.text)
        self._loose = LooseSyntax(source)
        try:
            self._parser = _Parser(self._disguise.text)
        except yaml.YAMLError as error:
            self._syntax_error(error)

    def document(self) -> Node:
        try:
            self._next()  # stream start
            event = self._next()
            if isinstance(event, yaml.StreamEndEvent):
                raise _problem("empty file", f"{self._source.name} holds no YAML")
            self._check_syntax(event)
            node = self._node(self._next())
            self._next()  # document end
            event = self._next()
            if not isinstance(event, yaml.StreamEndEvent):
                self._stop(event, "more than one document", "a file is one YAML document", "remove the second `---`")
        except yaml.YAMLError as error:
            self._syntax_error(error)
        finally:
            self._parser.dispose()
        return node

    def _next(self) -> Any:
        return self._parser.get_event()

    def _node(self, event: Any) -> Node:
        self._count(event, 1)
        if isinstance(event, yaml.ScalarEvent):
            node: Node = self._scalar(event)
            if event.anchor is not None:
                self._anchors[event.anchor] = node
            return node
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        self._depth += 1
        if self._depth > DEEPEST_NESTING:
            self._too_deep(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node = self._sequence(event) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._depth -= 1
        return node

    def _alias(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            name = self._disguise.restore(event.anchor, None)
            hint = did_you_mean(name, self._anchors)
            self._stop(event, "unknown alias", f"nothing above is anchored as &{name}", hint)
        node = self._anchors[event.anchor]
        if node is None:
            self._stop(event, "circular alias", f"*{event.anchor} stands inside what it names")
        self._count(event, node.weight)
        if self._depth + node.height > DEEPEST_NESTING:
            self._too_deep(event)
        return node

    def _count(self, event: Any, values: int) -> None:
        self._values += values
        if self._values > MOST_VALUES:
            detail = f"up to here there are more than {MOST_VALUES:,} values, aliases written out"
            self._stop(event, "too many values", detail, "keep data in csv or json files")

    def _too_deep(self, event: Any) -> NoReturn:
        self._stop(event, "nested too deeply", f"values nest more than {DEEPEST_NESTING} levels deep here")

    def _sequence(self, start: Any) -> Sequence:
        items = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event))
        self._check_syntax(event)
        node = Sequence(self._source, _at(start.start_mark), _at(event.end_mark), tuple(items))
        _measure(node, items)
        self._check_tag(start, "seq")
        return node

    def _mapping(self, start: Any) -> Mapping:
        entries: dict[str, tuple[Scalar, Node]] = {}
        merges: list[tuple[Any, Node]] = []
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._refuse_key(event)
            key = self._scalar(event)
            self._count(event, 1)
            value = self._node(self._next())
            if event.value == "<<" and event.implicit[0]:
                merges.append((event, value))
                continue
            if not isinstance(key.value, str):
                self._fail(event, "key is not a text", f"the key {key.text or 'null'} is not a text", "quote it")
            elif key.value in entries:
                first = entries[key.value][0].span.line
                self._fail(
                    event, "duplicate key", f'"{key.value}" already stands on line {first}', "remove one of them"
                )
            else:
                entries[key.value] = (key, value)
        for merge_event, value in merges:
            self._merge(entries, merge_event, value)
        self._check_syntax(event)
        node = Mapping(self._source, _at(start.start_mark), _at(event.end_mark), entries)
        _measure(node, [value for _, value in entries.values()])
        node.weight += len(entries)
        self._check_tag(start, "map")
        return node

    def _refuse_key(self, event: Any) -> NoReturn:
        mark = event.start_mark
        if self._source.line(mark.line + 1)[: mark.column + 1].endswith("{{"):
            self._stop(event, "template without quotes", "YAML reads a plain {{ as a mapping in a mapping", QUOTE)
        self._stop(event, "key is not a text", "keys are plain texts")

    def _merge(self, entries: dict[str, tuple[Scalar, Node]], event: Any, value: Node) -> None:
        """Apply `<<`: keys written here win, then the earliest merged mapping."""
        for merged in value.items if isinstance(value, Sequence) else (value,):
            if not isinstance(merged, Mapping):
                self._fail(event, "cannot merge", "`<<` takes a mapping or a list of mappings")
                continue
            for name, entry in merged.entries.items():
                entries.setdefault(name, entry)

    def _scalar(self, event: Any) -> Scalar:
        self._check_syntax(event)
        text = self._disguise.restore(event.value, event.style)
        node = Scalar(
            self._source,
            _at(event.start_mark),
            _at(event.end_mark),
            value=self._value(event, text),
            text=text,
            style="" if event.style in (None, ":") else event.style,
        )
        node.weight = 1 + len(text) // 64
        return node

    def _value(self, event: Any, text: str) -> Value:
        try:
            if event.tag is not None and event.tag != "!":
                return resolve_tagged(event.tag, text)
            return resolve(text) if event.implicit[0] else text
        except UnusableScalarError as error:
            self._fail(event, error.summary, str(error), error.hint)
            return text

    def _check_syntax(self, event: Any) -> None:
        fault = self._loose.fault(event)
        if fault is not None:
            self._fail(event, "not YAML", *fault)

    def _check_tag(self, event: Any, kind: str) -> None:
        if not fits(event.tag, kind):
            self._fail(event, "unsupported tag", f"`{written(event.tag)}` cannot be used here", "remove the tag")

    def _fail(self, event: Any, summary: str, detail: str, hint: str = "") -> None:
        start, end = event.start_mark, event.end_mark
        span = Span(
            source=self._source,
            line=start.line + 1,
            column=start.column + 1,
            end_line=end.line + 1,
            end_column=end.column + 1,
        )
        self._faults.add(Diagnostic(summary=summary, detail=detail, span=span, hint=hint))
        self._failures += 1
        if self._failures == MOST_FAULTS:
            self._stop(event, "too many faults", "the rest of the file has not been read")

    def _stop(self, event: Any, summary: str, detail: str, hint: str = "") -> NoReturn:
        self._fail(event, summary, detail, hint)
        raise InvalidInputError(*self._faults.sorted())

    def _syntax_error(self, error: yaml.YAMLError) -> NoReturn:
        self._faults.add(syntax_fault(self._source, error))
        raise InvalidInputError(*self._faults.sorted()) from None


def _measure(node: Node, items: list[Node]) -> None:
    node.weight = 1 + sum([item.weight for item in items])
    node.height = 1 + max([item.height for item in items], default=0)


def _at(mark: Any) -> tuple[int, int]:
    return mark.line, mark.column


def _nearby(path: Path) -> str:
    try:
        return did_you_mean(path.name, sorted(entry.name for entry in path.parent.iterdir()))
    except OSError:
        return "there is no such folder"


def _problem(summary: str, detail: str, *, hint: str = "") -> InvalidInputError:
    return InvalidInputError(Diagnostic(summary=summary, detail=detail, hint=hint))

"""The specs of a folder: YAML files with `specrun:` at the top level."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import yaml

from specrun.diagnostics import Diagnostic, UsageError
from specrun.store.contained import read_regular

_SUFFIXES = (".yaml", ".yml")
_MARK = "specrun"
_LINE = re.compile(r"^specrun\s*:", re.MULTILINE)


def files_of(_context: click.Context, _parameter: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the files named, each once; a folder stands for the specs below it, in the order of their paths."""
    return tuple(dict.fromkeys(file for path in paths for file in (_specs_of(path) if path.is_dir() else (path,))))


def _specs_of(folder: Path) -> tuple[Path, ...]:
    found = tuple(path for path in _yaml_files(folder) if _is_spec(path))
    if not found:
        detail = f"{folder} holds no YAML file with `specrun:` at its top level"
        raise UsageError(Diagnostic(summary="no specs", detail=detail, hint="name a folder with specs, or a spec"))
    return found


def _yaml_files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent) / name for name in sorted(names) if name.endswith(_SUFFIXES))


def _is_spec(path: Path) -> bool:
    try:
        text = read_regular(path).decode("utf-8", "replace")
    except OSError:
        # Named as a spec, so that whoever reads it says what is wrong with it.
        return True
    try:
        return _MARK in _top_keys(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError:
        # A slip in a spec must not make it vanish from the report.
        return _LINE.search(text) is not None


def _top_keys(events: Iterable[yaml.Event]) -> Iterator[str]:
    """Yield the keys of a document's outermost mapping."""
    depth = nodes = 0
    for event in events:
        if depth == 1 and isinstance(event, yaml.NodeEvent):
            if nodes % 2 == 0 and isinstance(event, yaml.ScalarEvent):
                yield event.value
            nodes += 1
        if isinstance(event, yaml.SequenceStartEvent) and depth == 0:
            return
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)

"""Files that nest without end, or hold numbers that no one reads, are refused at their place."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from specrun.catalog.parse import parse_json
from specrun.diagnostics import InvalidInputError, Source
from specrun.nesting import too_deep
from specrun.plan.saved import read_saved
from specrun.provenance.sidecar import told
from specrun.store.hold import holder
from specrun.store.hold_name import holder_path
from specrun.store.lockfile import read_lock
from specrun.store.manifest import read_manifest
from specrun.store.seen import seen_files

DEEP = '{\n "a": ' + "[" * 5000 + "]" * 5000 + "}"


def complaint(read: Callable[[Path], object], path: Path) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read(path)
    (fault,) = caught.value.diagnostics
    return f"{fault.span and (fault.span.line, fault.span.column)} {fault.detail}"


@pytest.mark.parametrize("read", [read_lock, lambda path: read_manifest(path.parent), read_saved])
def test_a_file_of_ours_that_nests_without_end_is_refused_at_its_place(
    read: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(DEEP, encoding="utf-8")
    assert complaint(read, path) == "(2, 70) values nest too deeply here"
    path.write_text(f'{{"format_version": "{"9" * 5000}", "n": {"9" * 5000}}}', encoding="utf-8")
    assert "no `format_version`" in complaint(read, path)


def test_a_schema_that_nests_without_end_is_refused_at_its_place() -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_json(Source(name="m.json", text=DEEP))
    assert str(caught.value.diagnostics[0].span) == "m.json:2:70"
    with pytest.raises(InvalidInputError, match="a number has 5,000 digits"):
        parse_json(Source(name="m.json", text="9" * 5000))


def test_records_that_nest_without_end_are_as_if_they_were_not_there(tmp_path: Path) -> None:
    seen = tmp_path / "seen" / "a.json"
    seen.parent.mkdir()
    seen.write_text(DEEP, encoding="utf-8")
    assert seen_files(tmp_path, tmp_path / "a").digest("b.png") is None
    holder_path(tmp_path, "a").write_text(DEEP, encoding="utf-8")
    assert holder(tmp_path, "a") is None
    assert told(DEEP.encode()) is None


def test_brackets_in_texts_nest_nothing() -> None:
    text = json.dumps(["[" * 100, '\\"[' * 50]) + "[" * 65
    assert too_deep(text) == (1, len(text))
    assert too_deep("[]" * 100) == (1, 1)
    assert msgspec.json.decode("[" * 64 + "]" * 64)

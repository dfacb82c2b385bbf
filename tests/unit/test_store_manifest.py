from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from specrun.diagnostics import InvalidInputError
from specrun.store.manifest import (
    ImageFacts,
    Manifest,
    ManifestOutput,
    Money,
    check_owner,
    manifest_bytes,
    read_manifest,
    write_manifest,
)


def output(address: str, index: int = 1) -> ManifestOutput:
    fields: dict[str, Any] = {
        "path": f"shots/{index}.png",
        "file": "f",
        "blob": "b",
        "media_type": "image/png",
        "width": 64,
        "height": 32,
        "bytes": 100,
        "provider": "sandbox",
        "model": "m",
        "prompt": "a cat",
        "params": {"steps": 2, "prompt": "a cat"},
        "seed": 5,
        "key": "k",
        "request_digest": "r",
        "job": "shots",
        "axes": {"style": "ink", "animal": "cat"},
    }
    return ManifestOutput(address=address, index=index, **fields)


MANIFEST = Manifest(
    spec="specs/shots.yaml",
    name="shots",
    held={"unknown": 1, "refused": 0},
    outputs=(output("b"), output("a", 2), output("a")),
    money=Money(spent={"CNY": Decimal("0.70")}, unpriced=1),
)


def test_the_file_holds_one_output_a_line_by_address_and_index() -> None:
    text = manifest_bytes(MANIFEST).decode()
    facts = (
        '"file":"f","blob":"b","media_type":"image/png","width":64,"height":32,"bytes":100,"provider":"sandbox",'
        '"model":"m","prompt":"a cat","params":{"prompt":"a cat","steps":2},"seed":5,"key":"k","request_digest":"r",'
        '"job":"shots","axes":{"animal":"cat","style":"ink"}}'
    )
    assert text.splitlines() == [
        "{",
        '"format_version": "1.0",',
        '"name": "shots",',
        '"spec": "specs/shots.yaml",',
        '"summary": {',
        '"bytes": 300,',
        '"held": {"unknown":1},',
        '"images": 3,',
        '"runs": 2,',
        '"spent": {"CNY":"0.70"},',
        '"unknown": {},',
        '"unpriced": 1,',
        '"wasted": {}',
        "},",
        '"outputs": [',
        '{"address":"a","index":1,"path":"shots/1.png",' + facts + ",",
        '{"address":"a","index":2,"path":"shots/2.png",' + facts + ",",
        '{"address":"b","index":1,"path":"shots/1.png",' + facts,
        "]",
        "}",
    ]


def test_a_manifest_reads_back_and_is_written_only_when_it_changes(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    assert write_manifest(tmp_path, MANIFEST)
    before = (tmp_path / "manifest.json").stat().st_mtime_ns
    assert not write_manifest(tmp_path, MANIFEST)
    assert (tmp_path / "manifest.json").stat().st_mtime_ns == before
    found = read_manifest(tmp_path)
    assert found is not None
    spec, outputs = found
    assert spec == MANIFEST.spec
    assert outputs == (output("a"), output("a", 2), output("b"))
    assert outputs[0].facts == ImageFacts(media_type="image/png", width=64, height=32, bytes=100)


def test_outputs_of_another_spec_are_an_error_that_names_both(tmp_path: Path) -> None:
    check_owner("specs/shots.yaml", tmp_path, spec="specs/shots.yaml")
    with pytest.raises(InvalidInputError, match=r"belongs to specs/shots.yaml, not to specs/other.yaml"):
        check_owner("specs/shots.yaml", tmp_path, spec="specs/other.yaml")

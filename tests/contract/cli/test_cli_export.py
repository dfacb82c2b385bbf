"""`specrun export`: what was made, as other programs read it."""

import csv
import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import c2pa
import pyarrow.parquet as pq
import pytest
import signers
from made import Made, begin

SPEC = r"""specrun: 1
provider: sandbox
models: {flux: {id: black-forest-labs/FLUX.1-dev, params: {size: 256x256}}}
jobs:
  animals:
    model: flux
    prompt: "{{ animal }}"
    matrix: {animal: ["=HYPERLINK(0)", "-cat", owl, "\uff1d1+1\e[31m"]}
    output: "{{ job }}/{{ animal | slug }}.{{ ext }}"
  edit:
    model: black-forest-labs/Flux-Kontext-Pro
    prompt: at night
    params: {image: "{{ output('animals', animal='owl') }}"}
"""


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = begin(tmp_path_factory.mktemp("pristine"), SPEC)
    made.apply()
    return made


@pytest.fixture
def made(pristine: Made, specrun: Any) -> Any:
    shutil.copytree(pristine.folder, specrun.folder, dirs_exist_ok=True)
    return specrun


@pytest.fixture
def signer(tmp_path: Path) -> tuple[Path, Path]:
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    for path, data in zip((chain, key), signers.signer(), strict=True):
        path.write_bytes(data)
    return chain, key


def test_csv_holds_no_cell_that_a_spreadsheet_executes(made: Any) -> None:
    out = made("export", "shots.yaml").out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["prompt"] for row in rows] == ["'=HYPERLINK(0)", "'\uff1d1+1\\x1b[31m", "'-cat", "owl", "at night"]
    assert rows[2]["axes.animal"] == "'-cat"
    assert (rows[2]["width"], rows[2]["params.n"], rows[4]["axes.animal"]) == ("256", "1", "")
    for cell in (cell for row in rows for cell in row.values()):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_json_lines_hold_the_manifest_as_it_is(made: Any, pristine: Made) -> None:
    lines = made("export", "--format", "jsonl", "shots.yaml").out.splitlines()
    manifest = json.loads((pristine.outputs / "manifest.json").read_text("utf-8"))
    assert [json.loads(line) for line in lines] == manifest["outputs"]
    assert all("\x1b" not in line for line in lines)


def test_parquet_reads_back_with_its_types(made: Any) -> None:
    made("export", "--format", "parquet", "-o", "images.parquet", "shots.yaml")
    rows = pq.read_table(made.folder / "images.parquet").to_pylist()
    assert [row["prompt"] for row in rows] == ["=HYPERLINK(0)", "\uff1d1+1\x1b[31m", "-cat", "owl", "at night"]
    assert rows[3]["axes"] == [("animal", "owl")]
    assert (rows[2]["width"], json.loads(rows[2]["params"])["size"]) == (256, "256x256")


def test_in_toto_says_what_was_made_from_what(made: Any, pristine: Made) -> None:
    statements = [json.loads(line) for line in made("export", "--format", "in-toto", "shots.yaml").out.splitlines()]
    edit = next(each for each in statements if each["subject"][0]["name"] == "edit/edit.png")
    assert (edit["_type"], edit["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    assert edit["subject"][0]["digest"]["sha256"] == pristine.output("edit").file.removeprefix("sha256:")
    owl = pristine.output("animals[animal=owl]")
    definition = edit["predicate"]["buildDefinition"]
    assert definition["resolvedDependencies"] == [
        {"name": "animals[animal=owl]#1", "digest": {"sha256": owl.blob.removeprefix("sha256:")}}
    ]
    assert definition["externalParameters"]["params"]["prompt"] == "at night"
    assert edit["predicate"]["runDetails"]["builder"]["id"] == "urn:specrun:provider:sandbox"


def test_before_anything_is_made_export_says_what_to_do(specrun: Any) -> None:
    (specrun.folder / "shots.yaml").write_text(SPEC)
    for format_ in ("csv", "in-toto"):
        assert (
            "run `specrun apply shots.yaml` first" in specrun("export", "--format", format_, "shots.yaml", code=1).err
        )


def test_without_its_extra_parquet_says_what_to_install(made: Any, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import sys; sys.modules['pyarrow'] = None\n")
    env = {"PYTHONPATH": f"{hidden}:{Path(sys.modules['specrun'].__file__ or '').parents[1]}"}
    ended = made("export", "--format", "parquet", "-o", "x.parquet", "shots.yaml", env=env, code=64)
    assert "pip install 'specrun[parquet]'" in ended.err


def test_signed_copies_leave_the_outputs_as_they_are(made: Any, signer: tuple[Path, Path]) -> None:
    before = {path: path.read_bytes() for path in (made.folder / "outputs").rglob("*") if path.is_file()}
    chain, key = signer
    arguments = ("--format", "c2pa", "-o", "signed", "--certificate", str(chain), "--private-key", str(key))
    assert made("export", *arguments, "shots.yaml").out == "signed: 5 signed images\n"
    with c2pa.Reader(made.folder / "signed/edit/edit.png") as reader:
        assert reader.get_validation_state() == "Valid"
    assert {path: path.read_bytes() for path in before} == before
    made("verify", "shots.yaml")
    assert "add -o DIR --certificate FILE" in made("export", "--format", "c2pa", "shots.yaml", code=64).err
    (made.folder / "outputs/shots/edit/edit.png").write_bytes(b"")
    assert "is missing or modified" in made("export", *arguments, "shots.yaml", code=1).err

"""`specrun verify` on the command line: formats and exit codes."""

import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from made import Made, begin


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = begin(tmp_path_factory.mktemp("pristine"))
    made.apply()
    return made


@pytest.fixture
def made(pristine: Made, specrun: Any) -> Any:
    shutil.copytree(pristine.folder, specrun.folder, dirs_exist_ok=True)
    return specrun


def owl(made: Any) -> Path:
    return Path(made.folder) / "outputs/shots/animals/owl.png"


def test_what_is_as_it_was_made_is_one_line_and_exit_code_0(made: Any) -> None:
    assert made("verify", "shots.yaml").out == "shots.yaml: as it was made, 5 images checked\n"
    assert made("verify", "--store", "shots.yaml").out == (
        "shots.yaml: as it was made, 5 images checked, 5 stored files checked\n"
    )


def test_damage_is_told_with_its_fix_and_exit_code_1(made: Any) -> None:
    owl(made).unlink()
    assert made("verify", "shots.yaml", code=1).out == (
        "missing: outputs/shots/animals/owl.png\n"
        "  the image of animals[animal=owl] is gone\n"
        "  fix: `specrun apply shots.yaml` restores it\n"
        "\n"
        "shots.yaml: 1 fault, 5 images checked\n"
    )
    made("apply", "--yes", "shots.yaml")
    made("verify", "shots.yaml")


def test_the_same_as_json(made: Any) -> None:
    owl(made).write_bytes(b"")
    (spec,) = json.loads(made("verify", "--format", "json", "shots.yaml", code=1).out)["specs"]
    assert spec["findings"] == [
        {
            "kind": "undecodable",
            "subject": "outputs/shots/animals/owl.png",
            "address": "animals[animal=owl]",
            "detail": "it is empty",
            "fix": "`specrun apply shots.yaml` restores it",
        }
    ]


def test_junit_counts_each_image_once(made: Any) -> None:
    owl(made).unlink()
    (owl(made).parent / "dog.png").write_bytes(b"")
    suite = ET.fromstring(made("verify", "--format", "junit", "shots.yaml", code=1).out)[0]
    assert (suite.get("tests"), suite.get("failures")) == ("6", "2")
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == ["animals[animal=owl]: outputs/shots/animals/owl.png", "outputs/shots/animals/dog.png"]


def test_junit_files_hold_each_spec_also_those_that_cannot_be_planned(made: Any) -> None:
    folder = made.folder
    (folder / "broken.yaml").write_text("specrun: 1\njobs: {}\n")
    (folder / "far").mkdir()
    (folder / "far/other.yaml").write_text((folder / "shots.yaml").read_text())
    (folder / "far/specrun.yaml").write_text("store: 7\n")
    ended = made("verify", "--junit", "reports/verify.xml", ".", code=1)
    assert "shots.yaml: as it was made" in ended.out
    suites = {suite.get("name"): suite for suite in ET.parse(folder / "reports/verify.xml").getroot()}
    failures = {name: int(suite.get("failures", "")) for name, suite in suites.items()}
    assert failures["shots.yaml"] == 0
    assert set(failures) == {"shots.yaml", "broken.yaml", "far/other.yaml"}
    assert failures["broken.yaml"] >= 1
    assert failures["far/other.yaml"] == 1


def test_files_are_checked_although_the_spec_has_a_fault(made: Any) -> None:
    owl(made).unlink()
    spec = made.folder / "shots.yaml"
    spec.write_text(spec.read_text().replace("jobs:", "jbos:"))
    ended = made("verify", "shots.yaml", code=1)
    assert 'a spec has no "jbos"' in ended.err
    assert "missing: outputs/shots/animals/owl.png" in ended.out


def test_the_store_is_repaired_from_the_outputs(made: Any) -> None:
    shutil.rmtree(made.folder / ".specrun/store")
    ended = made("verify", "--store", "--repair", "shots.yaml")
    assert ended.out.count("repaired sha256:") == 5
    assert "--repair without --store" in made("verify", "--repair", "shots.yaml", code=64).err


def test_the_store_is_repaired_from_the_shared_one(made: Any) -> None:
    shared = made.folder / "shared"
    shutil.move(made.folder / ".specrun/store", shared)
    (made.folder / "specrun.yaml").write_text(f"store: {{url: 'file://{shared}'}}\n")
    owl(made).unlink()
    told = made("verify", "shots.yaml", code=1).out
    assert "fix: `specrun apply shots.yaml` restores it" in told
    ended = made("verify", "--store", "--repair", "shots.yaml", code=1)
    assert ended.out.count("repaired sha256:") == 5
    made("apply", "--yes", "shots.yaml")
    made("verify", "--store", "shots.yaml")
    shutil.rmtree(shared)
    shutil.rmtree(made.folder / ".specrun/store")
    shutil.rmtree(made.folder / "outputs/shots/animals")
    assert "does not have sha256:" in made("verify", "--store", "--repair", "shots.yaml", code=1).err

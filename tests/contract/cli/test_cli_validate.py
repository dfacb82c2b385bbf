import json
from pathlib import Path
from typing import Any

FAULTY = """\
specrun: 1
jobs:
  animals:
    model: black-forest-labs/FLUX.1-dev
    prompt: "a {{ animl }}"
    matrix: {animal: [fox, owl]}
    params: {guidence_scale: 4}
"""


def write(folder: Path, name: str, text: str) -> str:
    (folder / "specs" / name).write_text(text, "utf-8")
    return f"specs/{name}"


def test_a_valid_spec_says_how_many_runs_it_has(project: Any) -> None:
    ended = project("validate", "specs/quickstart.yaml")
    assert (ended.out, ended.err) == ("specs/quickstart.yaml: valid, 6 runs\n", "")


def test_every_fault_is_reported_with_place_line_caret_and_fix(project: Any) -> None:
    ended = project("validate", write(project.folder, "faulty.yaml", FAULTY), code=1)
    assert ended.out == ""
    assert "specs/faulty.yaml:7:14: error:" in ended.err
    assert "\n  7 |     params: {guidence_scale: 4}\n    |              ^^^^^^^^^^^^^^\n" in ended.err
    assert 'did you mean "guidance_scale"?' in ended.err


def test_all_specs_are_checked_whatever_is_wrong_with_the_first(project: Any) -> None:
    ended = project("validate", write(project.folder, "faulty.yaml", FAULTY), "specs/quickstart.yaml", code=1)
    assert ended.out == "specs/quickstart.yaml: valid, 6 runs\n"
    assert "specs/faulty.yaml:7:14" in ended.err


def test_json_goes_to_standard_output_and_names_each_place(project: Any) -> None:
    ended = project("validate", "--format", "json", write(project.folder, "faulty.yaml", FAULTY), code=1)
    assert ended.err == ""
    found = json.loads(ended.out)["diagnostics"]
    assert {"specs/faulty.yaml"} == {each["file"] for each in found}
    assert 7 in {each["line"] for each in found}
    assert json.loads(project("validate", "--format", "json", "specs/quickstart.yaml").out)["diagnostics"] == []


def test_github_annotations_are_workflow_commands(project: Any) -> None:
    ended = project("validate", "--format", "github", write(project.folder, "faulty.yaml", FAULTY), code=1)
    assert "::error file=specs/faulty.yaml,line=7,col=14,endLine=7,endColumn=28,title=" in ended.out
    assert all(line.startswith(("::error ", "::warning ")) for line in ended.out.splitlines())
    assert project("validate", "--format", "github", "specs/quickstart.yaml").out == ""


def test_hostile_text_in_a_spec_reaches_the_terminal_as_escapes(project: Any) -> None:
    name = write(project.folder, "hostile.yaml", 'specrun: 1\n"\\e[31m\u202e": "x\u2066"\njobs: {}\n')
    ended = project("validate", name, code=1)
    assert not set(ended.err) & set("\x1b\u202e\u2066")


def test_a_spec_that_is_not_text_is_refused_with_its_name(project: Any) -> None:
    (project.folder / "specs/binary.yaml").write_bytes(b"\xff\xfe\x00\x01" * 100)
    ended = project("validate", "specs/binary.yaml", code=1)
    assert "specs/binary.yaml" in ended.err


def test_a_spec_whose_name_is_not_utf_8_is_named_all_the_same(project: Any) -> None:
    ended = project("validate", b"specs/\xff.yaml".decode(errors="surrogateescape"), code=1)
    assert "specs/\\udcff.yaml" in ended.err

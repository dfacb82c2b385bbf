from pathlib import Path
from typing import Any

import yaml

from specrun.catalog.shipped import format_path


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_init_makes_a_project_and_says_what_comes_next(specrun: Any) -> None:
    shown = specrun("init", "shop").out
    assert set(files(specrun.folder / "shop")) == {
        "specrun.yaml",
        "specs/quickstart.yaml",
        "schemas/spec.schema.json",
        ".gitignore",
        ".github/workflows/specrun.yml",
    }
    assert shown.endswith(
        "\nNext:\n  cd shop\n  specrun plan specs/quickstart.yaml\n  specrun apply specs/quickstart.yaml\n"
    )


def test_the_spec_leads_editors_to_a_schema_that_is_there(project: Any) -> None:
    first = (project.folder / "specs/quickstart.yaml").read_text("utf-8").splitlines()[0]
    schema = (project.folder / "specs" / first.partition("$schema=")[2]).resolve()
    assert schema.read_bytes() == format_path("spec").read_bytes()


def test_git_ignores_images_unless_asked_to_hold_them(specrun: Any) -> None:
    specrun("init", "without")
    specrun("init", "with", "--commit-outputs")
    assert (specrun.folder / "without/.gitignore").read_text() == "/.specrun/\n/outputs/\n"
    assert (specrun.folder / "with/.gitignore").read_text() == "/.specrun/\n"


def test_init_overwrites_nothing(specrun: Any) -> None:
    mine = {
        "specrun.yaml": b"provider: ark\n",
        "specs/quickstart.yaml": b"mine",
        ".gitignore": b"*.log\n.specrun/\noutputs",
    }
    for name, content in mine.items():
        path = specrun.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    shown = specrun("init").out
    assert {name: files(specrun.folder)[name] for name in mine} == mine
    assert "kept      specrun.yaml\n" in shown


def test_init_adds_to_a_gitignore_what_it_lacks(specrun: Any) -> None:
    (specrun.folder / ".gitignore").write_bytes(b"*.log")
    assert "added to  .gitignore (/.specrun/, /outputs/)\n" in specrun("init").out
    assert (specrun.folder / ".gitignore").read_bytes() == b"*.log\n/.specrun/\n/outputs/\n"


def test_a_second_init_changes_nothing(project: Any) -> None:
    before = files(project.folder)
    project("init")
    assert files(project.folder) == before


def test_a_workflow_that_github_would_not_read_is_left_out(specrun: Any) -> None:
    (specrun.folder / ".git").mkdir()
    shown = specrun("init", "shop").out
    assert not (specrun.folder / "shop/.github").exists()
    assert "left out  .github/workflows/specrun.yml (GitHub reads workflows only in" in shown
    specrun("init")
    assert (specrun.folder / ".github/workflows/specrun.yml").exists()


def test_the_workflow_is_yaml_whose_commands_exist(project: Any) -> None:
    workflow = yaml.safe_load((project.folder / ".github/workflows/specrun.yml").read_text())
    runs = [step["run"].split() for step in workflow["jobs"]["plan"]["steps"] if "run" in step]
    assert [words[1] for words in runs if words[0] == "specrun"] == ["validate", "plan"]
    for words in runs:
        if words[0] == "specrun":
            shown = project(words[1], "--help").out
            assert all(word in shown for word in words if word.startswith("--"))


def test_a_folder_that_cannot_be_made_is_named(specrun: Any) -> None:
    (specrun.folder / "file").write_text("")
    ended = specrun("init", "file/shop", code=1)
    assert "file/shop" in ended.err
    assert "hint: check the path: part of it is a file" in ended.err

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt

from specrun.catalog.shipped import format_path

QUICKSTART = "specs/quickstart.yaml"


def spec(folder: Path, name: str, text: str) -> str:
    path = folder / "specs" / f"{name}.yaml"
    path.write_text(text, "utf-8")
    return f"specs/{name}.yaml"


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_new_project_plans_its_six_images(project: Any) -> None:
    ended = project("plan", QUICKSTART)
    assert ended.err == ""
    assert ended.out.startswith(
        "quickstart (specs/quickstart.yaml)\n\n  animals\n    + create 6 runs; 6 images, free; not made yet\n"
    )
    assert ended.out.endswith("Plan: 6 create.\nRequests: 6 for 6 images.\nPrice: free.\n")


def test_planning_writes_nothing(project: Any) -> None:
    before = files(project.folder)
    project("plan", QUICKSTART)
    project("plan", "--format", "json", QUICKSTART)
    project("validate", QUICKSTART)
    assert files(project.folder) == before


def test_the_same_inputs_give_the_same_bytes_in_any_locale_zone_or_hash_order(project: Any) -> None:
    settings = (
        {"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "1"},
        {"LC_ALL": "de_DE.UTF-8", "TZ": "Asia/Shanghai", "PYTHONHASHSEED": "2"},
        {"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "3", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    )
    for form in ("text", "json", "markdown", "dot", "mermaid"):
        assert len({project("plan", "--format", form, QUICKSTART, env=env).out for env in settings}) == 1


def test_a_saved_plan_is_what_json_prints_and_valid_by_its_schema(project: Any) -> None:
    printed = project("plan", "--format", "json", "-o", "plan.json", QUICKSTART).out
    assert (project.folder / "plan.json").read_text("utf-8") == printed
    document = json.loads(printed)
    Draft202012Validator(json.loads(format_path("plan").read_text("utf-8"))).validate(document)
    assert document["spec"] == QUICKSTART


def test_a_plan_names_the_spec_by_its_place_in_the_project_wherever_it_was_started(project: Any) -> None:
    here = project("plan", "--format", "json", QUICKSTART).out
    elsewhere = project("-C", "specs", "plan", "--format", "json", "quickstart.yaml").out
    assert here == elsewhere


def test_detailed_exit_codes_tell_changes_from_none(project: Any) -> None:
    project("plan", QUICKSTART, code=0)
    project("plan", "--detailed-exitcode", QUICKSTART, code=2)


def test_full_and_target_and_var_shape_the_plan(project: Any) -> None:
    name = spec(
        project.folder,
        "many",
        "specrun: 1\n"
        "vars: {brand: Northwind}\n"
        "jobs:\n"
        "  shots:\n"
        "    model: black-forest-labs/Flux-Kontext-Pro-text2image\n"
        '    prompt: "{{ vars.brand }} lamp {{ i }} in {{ tone }}"\n'
        '    matrix: {i: "{{ range(20) | list }}", tone: [red, blue]}\n',
    )
    assert "i (20): 0, 1, 2, 3, 4, 5, 6, 7, … 12 more\n" in project("plan", name).out
    assert "\n        shots[i=19,tone=blue]\n" in project("plan", "--full", name).out
    assert "Plan: 20 create.\n" in project("plan", "--target", "tone=red", name).out
    assert "Plan: 2 create.\n" in project("plan", "--target", "shots[i=7,*]", name).out
    document = json.loads(project("plan", "--format", "json", "--var", "brand=Acme", name).out)
    assert document["actions"][0]["params"]["prompt"] == "Acme lamp 0 in red"


def test_a_selector_that_matches_nothing_is_wrong_usage_with_near_names(project: Any) -> None:
    ended = project("plan", "--target", "animal", QUICKSTART, code=64)
    assert "matches no run" in ended.err
    assert "animals" in ended.err


def test_markdown_is_markdown_and_the_same_goes_to_the_summary_of_a_workflow(project: Any) -> None:
    summary = project.folder / "summary.md"
    summary.write_text("before\n")
    printed = project("plan", "--format", "markdown", QUICKSTART, env={"GITHUB_STEP_SUMMARY": str(summary)}).out
    assert summary.read_text("utf-8") == "before\n" + printed
    assert "<table>" in MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(printed)


def test_one_spec_with_faults_does_not_hide_the_plans_of_others(project: Any) -> None:
    broken = spec(project.folder, "broken", "specrun: 1\njobs: {}\n")
    ended = project("plan", broken, QUICKSTART, code=1)
    assert ended.err.startswith("specs/broken.yaml:2:")
    assert "Plan: 6 create." in ended.out


def test_several_specs_end_with_what_all_come_to(project: Any) -> None:
    shutil.copy(project.folder / QUICKSTART, project.folder / "specs/again.yaml")
    assert "\nAll 2 specs\nPlan: 12 create.\n" in project("plan", QUICKSTART, "specs/again.yaml").out


@pytest.mark.parametrize("options", [["-o", "plan.json"], ["--format", "json"]])
def test_json_holds_one_spec(project: Any, options: list[str]) -> None:
    shutil.copy(project.folder / QUICKSTART, project.folder / "specs/again.yaml")
    ended = project("plan", *options, "specs", code=64)
    assert "a JSON document holds the plan of one spec" in ended.err


def test_a_device_is_never_replaced_by_a_plan(project: Any) -> None:
    assert "use --format json" in project("plan", "-o", "/dev/null", QUICKSTART, code=64).err
    assert not Path("/dev/null").is_file()


def test_a_plan_that_cannot_be_saved_says_where_and_why(project: Any) -> None:
    (project.folder / "file").write_text("")
    ended = project("plan", "-o", "file/plan.json", QUICKSTART, code=1)
    assert "error: the operating system refused\n" in ended.err
    assert "file" in ended.err


@pytest.mark.parametrize("assignment", ["brand", "=x", ""])
def test_a_variable_without_a_value_is_wrong_usage(project: Any, assignment: str) -> None:
    assert "is not of the form NAME=VALUE" in project("plan", "--var", assignment, QUICKSTART, code=64).err


def test_a_missing_spec_is_named(project: Any) -> None:
    ended = project("plan", "specs/nowhere.yaml", code=1)
    assert "specs/nowhere.yaml does not exist" in ended.err


WITHOUT_NETWORK = """
import sys
def refuse(event, arguments):
    if event.startswith("socket."):
        raise SystemExit(f"the network was touched: {event} {arguments}")
sys.addaudithook(refuse)
from specrun.cli.main import run
run()
"""


def test_a_plan_opens_no_socket_and_needs_no_key(project: Any) -> None:
    (project.folder / "specrun.yaml").write_text("provider: modelverse\n")
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_NETWORK, "plan", QUICKSTART],
        cwd=project.folder,
        env={},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Price: 2.10 CNY.\n" in ended.stdout
    assert "Free quota: black-forest-labs/Flux-Kontext-Pro-text2image gives an account 5 free images" in ended.stdout


def test_a_spec_that_is_not_there_is_told_as_that_also_beside_a_lock_of_its_name(project: Any) -> None:
    project("lock", QUICKSTART)
    ended = project("plan", "specs/quickstart.yml", code=1)
    assert ended.err == (
        'error: no such file\n  specs/quickstart.yml does not exist\n  hint: did you mean "quickstart.yaml"?\n'
    )

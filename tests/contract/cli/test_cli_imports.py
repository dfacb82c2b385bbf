"""What a command imports is what it needs: start-up is most of the time that a small spec takes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Of the standard library, what takes long to import or is a sign of work that the command does not do.
HEAVY = {
    *("asyncio", "concurrent", "dataclasses", "difflib", "html", "http", "logging", "multiprocessing"),
    *("sqlite3", "ssl", "tempfile", "xml"),
}
SCRIPT = """
import json, sys
before = set(sys.modules)
from specrun.cli.main import run
sys.argv = ["specrun", *json.loads(sys.argv[1])]
try:
    run()
except SystemExit as leaving:
    assert not leaving.code, leaving.code
names = {name.partition(".")[0] for name in set(sys.modules) - before}
print(json.dumps(sorted(names)), file=sys.stderr)
"""
SPEC = """\
specrun: 1
jobs:
  dots:
    model: black-forest-labs/FLUX.1-dev
    prompt: a {{ colour }} dot
    matrix: {colour: [red, green]}
    params: {steps: 3}
"""

PLANNING = ["jsonschema_rs", "msgspec", "rfc8785", "yaml"]
# Its own package, and what compiled modules bring along.
ASIDE = ("click", "cython_runtime", "specrun", "typing_extensions")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--version"], []),
        (["--help"], []),
        (["validate", "dots.yaml"], PLANNING),
        (["plan", "dots.yaml"], PLANNING),
    ],
)
def test_a_command_imports_only_what_it_uses(tmp_path: Path, arguments: list[str], expected: list[str]) -> None:
    (tmp_path / "dots.yaml").write_text(SPEC, "utf-8")
    assert imported(tmp_path, arguments) == expected


def test_jinja_is_imported_for_a_template_that_holds_more_than_variables(tmp_path: Path) -> None:
    (tmp_path / "dots.yaml").write_text(SPEC.replace("{{ colour }}", "{{ colour | upper }}"), "utf-8")
    assert imported(tmp_path, ["plan", "dots.yaml"]) == sorted([*PLANNING, "jinja2", "markupsafe", "tempfile"])


def test_where_nothing_is_left_to_do_neither_templates_nor_schemas_are_needed(tmp_path: Path) -> None:
    (tmp_path / "dots.yaml").write_text("provider: sandbox\n" + SPEC, "utf-8")
    imported(tmp_path, ["apply", "--yes", "dots.yaml"])
    found = imported(tmp_path, ["plan", "dots.yaml"])
    assert {"jinja2", "jsonschema_rs", "sqlite3"}.isdisjoint(found)


def imported(folder: Path, arguments: list[str]) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-I", "-c", SCRIPT, json.dumps(arguments)],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    found = json.loads(ended.stderr.splitlines()[-1])
    light = sys.stdlib_module_names - HEAVY
    return [name for name in found if name not in light and name not in ASIDE and not name.startswith("_")]

"""What a command imports is what it needs: start-up is most of the time that a small spec takes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
known = names - set(sys.stdlib_module_names) | names & {"asyncio", "ssl", "sqlite3", "xml", "multiprocessing"}
print(json.dumps(sorted(known)), file=sys.stderr)
"""
SPEC = "specrun: 1\njobs: {dots: {model: black-forest-labs/FLUX.1-dev, prompt: a dot, params: {steps: 3}}}\n"

PLANNING = ["jinja2", "jsonschema_rs", "markupsafe", "msgspec", "rfc8785", "rich", "sqlite3", "yaml"]
# Its own package, and what compiled modules bring along.
ASIDE = ("click", "cython_runtime", "specrun", "typing_extensions")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--version"], []),
        (["--help"], []),
        (["validate", "dots.yaml"], PLANNING),
        (["plan", "dots.yaml"], sorted([*PLANNING, "xml"])),
    ],
)
def test_a_command_imports_only_what_it_uses(tmp_path: Path, arguments: list[str], expected: list[str]) -> None:
    (tmp_path / "dots.yaml").write_text(SPEC, "utf-8")
    assert imported(tmp_path, arguments) == expected


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
    return [name for name in found if name not in ASIDE and not name.startswith("_")]

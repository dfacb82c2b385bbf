import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from specrun.cli.main import COMMANDS, EPILOG

SHELL = shutil.which("bash")
SPECS = Path(__file__).parents[3] / "specs"
# A server runs until it is stopped; most shells that complete are not here.
NOT_RUN = {"serve", "completion"}
# These settle or compare what only something that went before leaves behind: they may say that it is not there.
NEED_A_STORY = {"resolve", "diff", "merge", "push", "pull"}


def examples() -> Iterator[tuple[str, str]]:
    epilogs = {name: import_module(f"specrun.cli.{name}").EPILOG for name in COMMANDS if name not in NOT_RUN}
    for name, epilog in {"": EPILOG, **epilogs}.items():
        for line in epilog.splitlines()[2:]:
            command = re.split(r"\s{2,}", line.strip())[0]
            # A newcomer reads shots.yaml as "your spec".
            yield name, command.replace("specs/shots.yaml", "specs/quickstart.yaml")


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    script = f'specrun() {{ "{sys.executable}" -m specrun "$@"; }}; {command}'
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "SPECRUN_"))}
    return subprocess.run(
        [str(SHELL), "-c", script],
        cwd=folder,
        env=env | {"BROWSER": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project with one more spec, both applied, and a saved plan."""
    folder = tmp_path_factory.mktemp("made")
    assert run("specrun init", folder).returncode == 0
    shutil.copytree(SPECS / "catalogue", folder / "specs/catalogue")
    shutil.copy(SPECS / "catalogue.yaml", folder / "specs")
    ended = run("specrun apply --yes specs/*.yaml && specrun plan -o plan.json specs/quickstart.yaml", folder)
    assert ended.returncode == 0, ended.stderr
    shutil.copy(SPECS / "catalogue/photos/lamp.png", folder)
    return folder


@pytest.mark.skipif(SHELL is None, reason="the examples are written for a POSIX shell")
@pytest.mark.parametrize(("name", "command"), dict.fromkeys(examples()))
def test_each_example_of_the_help_works(made: Path, tmp_path: Path, name: str, command: str) -> None:
    folder = tmp_path / "project"
    shutil.copytree(made, folder)
    ended = run(command, folder)
    for never in ("Traceback", "internal error", "No such option", "unexpected extra argument"):
        assert never not in ended.stderr
    # Without a terminal, what would ask says so; what needs an extra names it; some files and stores are the user's.
    reasons = ("nobody to ask", "pip install 'specrun[", "does not exist", "no shared store")
    says_why = any(reason in ended.stderr for reason in reasons)
    done = ended.returncode in (0, 2)
    assert done or says_why or name in NEED_A_STORY, f"$ {command}\n{ended.stdout}{ended.stderr}"

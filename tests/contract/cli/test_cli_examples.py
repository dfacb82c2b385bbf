import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from specrun.cli.main import COMMANDS, EPILOG

SHELL = shutil.which("bash")
# Servers run until they are stopped; shells other than bash are not here.
NOT_RUN = {"serve", "completion"}


def examples() -> Iterator[str]:
    epilogs = [EPILOG, *(import_module(f"specrun.cli.{name}").EPILOG for name in COMMANDS if name not in NOT_RUN)]
    for epilog in epilogs:
        for line in epilog.splitlines()[2:]:
            command = re.split(r"\s{2,}", line.strip())[0]
            # A newcomer reads shots.yaml as "your spec".
            yield command.replace("specs/shots.yaml", "specs/quickstart.yaml")


@pytest.mark.skipif(SHELL is None, reason="the examples are written for a POSIX shell")
@pytest.mark.parametrize("command", dict.fromkeys(examples()))
def test_each_example_of_the_help_works_in_a_new_project(project: Any, command: str) -> None:
    project("plan", "-o", "plan.json", "specs/quickstart.yaml")
    script = f'specrun() {{ "{sys.executable}" -m specrun "$@"; }}; {command}'
    # Without a terminal, what would ask before it spends says so instead.
    ended = subprocess.run(
        [str(SHELL), "-c", script], cwd=project.folder, input=b"", capture_output=True, check=False, timeout=120
    )
    assert "Traceback" not in ended.stderr.decode()
    asks = b"pass --yes" in ended.stderr
    assert ended.returncode == (64 if asks else 2 if "--detailed-exitcode" in command else 0), ended.stderr.decode()

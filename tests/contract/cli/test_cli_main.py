import ast
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from specrun import __version__
from specrun.cli.main import COMMANDS, cli

STANDARD = sys.stdlib_module_names


def test_version_is_one_line(specrun: Any) -> None:
    assert specrun("--version").out == f"specrun {__version__}\n"


def test_help_lists_every_command_with_the_first_line_of_its_own_help(specrun: Any) -> None:
    shown = " ".join(specrun("--help").out.split())
    for name, summary in COMMANDS.items():
        assert f"{name} {summary}" in shown
        assert " ".join(specrun(name, "--help").out.split()).startswith(f"Usage: specrun {name}")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_and_gives_examples(specrun: Any, name: str) -> None:
    shown = specrun(name, "--help").out
    assert "\n\n  " in shown
    assert "Examples:\n" in shown


def test_no_command_at_all_is_wrong_usage_answered_with_the_help(specrun: Any) -> None:
    ended = specrun(code=64)
    assert ended.out == ""
    assert "Commands:" in ended.err


def test_a_misspelt_command_is_answered_with_the_nearest(specrun: Any) -> None:
    ended = specrun("aply", code=64)
    assert ended.err == (
        'error: wrong usage\n  there is no command "aply"; did you mean "apply"?\n  hint: see specrun --help\n'
    )


@pytest.mark.parametrize(
    "arguments", [["models", "--no-such"], ["schema"], ["-C", "missing", "models"], ["completion", "tcsh"]]
)
def test_wrong_usage_exits_64_and_prints_nothing_to_standard_output(specrun: Any, arguments: list[str]) -> None:
    ended = specrun(*arguments, code=64)
    assert ended.out == ""
    assert ended.err.startswith("error: wrong usage\n")
    assert "  hint: see specrun" in ended.err


def test_control_characters_in_arguments_reach_the_terminal_as_escapes(specrun: Any) -> None:
    for arguments in (["\x1b[31mred"], ["models", "\x1b[31mred\u202e"]):
        assert not set(specrun(*arguments, code=64).err) & set("\x1b\u202e")


def test_dash_c_works_as_if_started_there(specrun: Any) -> None:
    specrun("init", "shop")
    (specrun.folder / "shop/schemas/own.json").write_text(
        json.dumps({"properties": {"model": {"const": "acme/own"}, "prompt": {"type": "string"}}, "x-specrun": {}})
    )
    assert "acme/own" in specrun("-C", "shop", "models").out
    assert "acme/own" not in specrun("models").out


def test_colour_is_for_terminals_unless_the_environment_says_otherwise(specrun: Any) -> None:
    assert "\x1b[" not in specrun("models").out
    assert "\x1b[" in specrun("models", env={"FORCE_COLOR": "1"}).out
    assert "\x1b[" not in specrun("models", env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).out


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are a Unix thing")
@pytest.mark.parametrize(("extra", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_a_terminal_gets_colour_unless_it_declines(tmp_path: Path, extra: dict[str, str], *, coloured: bool) -> None:
    import pty

    master, slave = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    with subprocess.Popen(
        [sys.executable, "-m", "specrun", "models", "black-forest-labs/FLUX.1-dev"],
        cwd=tmp_path,
        env=env | {"TERM": "xterm"} | extra,
        stdout=slave,
        stdin=subprocess.DEVNULL,
    ) as child:
        os.close(slave)
        shown = b""
        try:
            while part := os.read(master, 65536):
                shown += part
        except OSError:
            pass  # Linux ends a pseudo-terminal's stream with EIO
    os.close(master)
    assert child.returncode == 0
    assert (b"\x1b[" in shown) is coloured


def test_a_reader_that_leaves_early_causes_no_complaint(tmp_path: Path) -> None:
    command = f'"{sys.executable}" -m specrun schema spec | head -c 1 >/dev/null; exit "${{PIPESTATUS[0]}}"'
    ended = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert ended.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_named_with_what_to_do(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "specrun", "models"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert ended.returncode == 1
    assert ended.stderr.decode() == (
        "error: the operating system refused\n"
        "  No space left on device\n"
        "  hint: free some disk space, then run the command again\n"
    )


def test_output_is_utf_8_in_any_locale(specrun: Any) -> None:
    for locale in ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "latin-1"}):
        assert "…" in specrun("models", "black-forest-labs/FLUX.1-dev", env=locale).out


BROKEN_COMMAND = """
import sys
import time
from specrun.cli import main, models
def explode(*arguments):
    raise ZeroDivisionError("division by zero")
models.catalog_here = explode
main.run()
"""


def test_a_mistake_in_specrun_asks_for_debug_and_shows_the_traceback_only_then(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", BROKEN_COMMAND, *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)

    quiet, loud = run("models"), run("--debug", "models")
    message = (
        "error: internal error\n"
        "  ZeroDivisionError: division by zero\n"
        "  hint: this is a mistake in specrun: please report it with what `specrun --debug …` prints\n"
    )
    assert (quiet.returncode, quiet.stderr) == (1, message)
    assert loud.returncode == 1
    assert loud.stderr.startswith("Traceback (most recent call last):")
    assert loud.stderr.endswith(message)


def test_the_version_is_shown_without_importing_more_than_click_and_the_errors(tmp_path: Path) -> None:
    source = (
        "import sys\n"
        "import click\n"
        "before = set(sys.modules)\n"
        "sys.argv = ['specrun', '--version']\n"
        "from specrun.cli.main import run\n"
        "try:\n"
        "    run()\n"
        "except SystemExit:\n"
        "    print(sorted(set(sys.modules) - before))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", source], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    imported = {name for name in ast.literal_eval(ended.stdout.splitlines()[-1]) if name.split(".")[0] not in STANDARD}
    assert imported == {f"specrun{part}" for part in ("", ".cli", ".cli.boundary", ".cli.examples", ".cli.main")}


def test_the_shell_completes_commands_options_and_models(specrun: Any) -> None:
    def complete(words: str, position: int) -> list[str]:
        env = {"_SPECRUN_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(position)}
        return [line.partition(",")[2] for line in specrun(env=env).out.splitlines()]

    assert complete("specrun mod", 1) == ["models"]
    assert "--debug" in complete("specrun --", 1)
    assert complete("specrun models stepfun-ai/Step", 2) == ["stepfun-ai/Step1X-Edit"]
    assert complete("specrun schema pl", 2) == ["plan"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(specrun: Any, shell: str) -> None:
    assert "_SPECRUN_COMPLETE" in specrun("completion", shell).out


def test_the_summaries_in_help_are_those_of_the_commands() -> None:
    import click

    context = click.Context(cli)
    for name, summary in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(200) == summary


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whatever_goes_on_can_be_interrupted(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "dots.yaml").write_text("specrun: 1\nvars: {v: 1}\njobs: {}\n")
    pipe = tmp_path / "vars.yaml"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "specrun", "plan", "--var-file", str(pipe), "dots.yaml"]
    with (
        subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as child,
        pipe.open("w"),  # as soon as it is read
    ):
        child.send_signal(number)
        _, said = child.communicate(timeout=60)
    assert (child.returncode, said) == (130, "interrupted\n")


def test_who_interrupts_before_anything_goes_on_gets_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(60)\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-m", "specrun"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as child:
        while not (tmp_path / "begun").exists():
            assert child.poll() is None
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=60)
    assert (child.returncode, said) == (-signal.SIGINT, "")

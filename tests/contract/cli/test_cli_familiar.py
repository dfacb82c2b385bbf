"""What people who know other tools type from memory is answered with ours; nothing that deletes is ever suggested."""

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from specrun.cli import familiar
from specrun.cli.faults import usage_fault
from specrun.cli.main import COMMANDS, cli
from specrun.diagnostics import SpecrunError


def answered(*arguments: str) -> str:
    """Return what a wrong command line is told, and how."""
    try:
        with cli.make_context("specrun", list(arguments)) as context:
            cli.invoke(context)
    except click.ClickException as error:
        fault = usage_fault(error)
    except SpecrunError as error:
        [fault] = error.diagnostics
    else:
        raise AssertionError(f"{arguments} was taken")
    return f"{fault.detail}\n{fault.hint}"


@pytest.mark.parametrize(
    ("line", "ours"),
    [
        ("run s.yaml", "`specrun apply SPEC`"),
        ("build", "`specrun apply SPEC`"),
        ("repro", "`specrun apply SPEC`"),
        ("sync", "`specrun apply SPEC`"),
        ("state list", "`specrun plan SPEC`"),
        ("status", "`specrun plan SPEC`"),
        ("fmt", "`specrun validate SPEC`"),
        ("output", "`specrun export SPEC`"),
        ("providers", "`specrun models`"),
        ("destroy s.yaml", "take runs out of the spec"),
        ("help", "`specrun --help`"),
        ("version", "`specrun --version`"),
        ("apply --dry-run s.yaml", "`specrun plan SPEC`"),
        ("apply --auto-approve s.yaml", "here it is --yes\nsee specrun apply --help"),
        ("plan -out=plan.json s.yaml", "here it is --output\nsee specrun plan --help"),
        ("plan --out plan.json s.yaml", "here it is --output"),
        ("apply -auto-approve s.yaml", "here it is --yes"),
        ("apply -target=x s.yaml", "write --target"),
        ("apply --threads 4 s.yaml", "here it is --jobs"),
        ("apply --select tag:x s.yaml", "here it is --target"),
        ("plan --json s.yaml", "here it is --format json"),
        ("apply --forzen s.yaml", "did you mean --frozen?"),
        ("diff s.yaml HEAD~1", "--base HEAD~1"),
        ("taint p", "--replace RUNS"),
        ("workspace list", "--name NAME"),
        ("graph", "--format mermaid"),
        ("reset --hard", "git itself does that"),
        ("purge", "take runs out of the spec"),
        ("plan -destroy s.yaml", "there is no --destroy here"),
        ("plan -lock=false s.yaml", "options of more than one letter have two dashes"),
    ],
)
def test_what_other_tools_call_it_is_answered_with_ours(line: str, ours: str) -> None:
    assert ours in answered(*line.split())


@pytest.mark.parametrize("line", ["prun", "prunes s.yaml", "apply --prne s.yaml", "prune --stor s.yaml", "appear"])
def test_no_suggestion_deletes_and_none_pays_but_for_a_slip(line: str) -> None:
    told = answered(*line.split())
    assert "did you mean" not in told
    assert "no option" in told or "no command" in told


@given(st.text(st.sampled_from("aplyrundeosh-"), min_size=1, max_size=8))
def test_whatever_is_typed_is_never_answered_with_what_deletes(word: str) -> None:
    assert "prune" not in familiar.advise_command(word, COMMANDS)
    assert "prune" not in familiar.advise_option(f"--{word}", ("--prune", "--store", "--yes", "--target"))


def test_every_command_that_is_named_exists() -> None:
    for advice in familiar.COMMANDS.values():
        for part in advice.split("`")[1::2]:
            name = part.removeprefix("specrun ").split()[0]
            assert name in COMMANDS or name.startswith("--") or name == "COMMAND", part
    assert not set(familiar.COMMANDS) & set(COMMANDS)


def test_a_value_that_hangs_on_its_short_option_is_read_as_ever() -> None:
    ended = CliRunner().invoke(cli, ["apply", "-y", "-j4", "none.yaml"])
    assert "none.yaml" in ended.output

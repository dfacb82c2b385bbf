"""Held runs: the same figures wherever they are told, and commands that do what they say, as they are printed."""

import base64
import json
import re
import shlex
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fault_server import FaultServer, by_prompt, picture
from faults import close_after_reading, error, good, images

from specrun.cli.boundary import guarded
from specrun.cli.main import cli

SPEC = "my specs/it's.yaml"
MANY = """\
specrun: 1
provider: shop
vars: {season: }
jobs:
  many:
    model: black-forest-labs/FLUX.1-dev
    prompt: "a {{ what }} in {{ vars.season }}"
    matrix: {what: [fine, lost, lost too, short, gone, broken, refused]}
    params: {size: 256x256, n: 2}
"""
VARIANT = ("--name", "fall", "--var", "season=a late fall")
STATES = {
    "lost": "unknown",
    "lost too": "unknown",
    "short": "partial",
    "gone": "partial",
    "broken": "unusable",
    "refused": "refused",
}


class Ended:
    """How a command ended and what it printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Run = Callable[..., Ended]


@pytest.fixture
def server() -> Iterator[FaultServer]:
    def inline(content: bytes) -> dict[str, str]:
        return {"b64_json": base64.b64encode(content).decode()}

    behaviours = {
        "a lost": [close_after_reading, close_after_reading, good()],
        "a short": [images(inline, count=1), good()],
        "a gone": [images(lambda _: {"url": "/gone.png"}), good()],
        "a broken": [images(lambda content: inline(content[:60])), good()],
        "a refused": [error(400, "sensitive_check_error"), good()],
    }
    with FaultServer(by_prompt(behaviours, good())) as server:
        yield server


@pytest.fixture
def run(
    tmp_path: Path, server: FaultServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """A project with a held run of each kind, in a variant whose spec has a name to quote."""
    project = tmp_path / "project"
    (project / SPEC).parent.mkdir(parents=True)
    (project / SPEC).write_text(MANY, "utf-8")
    settings = {
        "prices": {"black-forest-labs/FLUX.1-dev": {"EUR": 0.12}},
        "providers": {"shop": {"base_url": server.base_url, "api_key_env": "SHOP_KEY", "retry_for": 1}},
    }
    (project / "specrun.yaml").write_text(json.dumps(settings), "utf-8")
    monkeypatch.setenv("SHOP_KEY", "sk-canary-5d1e")
    monkeypatch.chdir(project)

    def specrun(*arguments: str, code: int | None = 0) -> Ended:
        capsys.readouterr()
        ended = guarded(cli, list(arguments))
        out, err = capsys.readouterr()
        assert code is None or ended == code, (arguments, out, err)
        return Ended(ended, out, err)

    return specrun


def apply(run: Run, *more: str, code: int = 1) -> Ended:
    return run("apply", "--yes", *VARIANT, *more, SPEC, code=code)


def states() -> Mapping[str, str]:
    lock = json.loads(Path("my specs/fall.lock.json").read_text("utf-8"))
    found = {}
    for row in lock["runs"]:
        if "state" in row:
            found[row["address"].removeprefix("many[what=").rstrip("]").strip('"')] = row["state"]
    return found


def test_all_views_tell_the_same_figures(run: Run) -> None:
    lines = apply(run).out.splitlines()
    # Two made and one of a short reply; one that it lacks, two gone and two broken; two times two without a reply.
    assert lines[lines.index("Requests: 7.") + 1 :][:2] == [
        "Spent: 0.36 EUR for images that came, 0.60 EUR for lost images.",
        "May have been spent: 0.48 EUR.",
    ]
    at_stake = "0.60 EUR spent for lost images; 0.48 EUR may have been spent."
    again = apply(run)
    assert f"Spent: nothing.\nAt stake in runs held before: {at_stake}\n" in again.out
    assert "made already" not in again.err
    assert f"At stake in held runs: {at_stake}\n" in run("plan", *VARIANT, SPEC).out
    assert f"At stake in held runs: {at_stake}" in run("plan", "--format", "markdown", *VARIANT, SPEC).out
    held = json.loads(run("plan", "--format", "json", *VARIANT, SPEC).out)["totals"]["held"]
    assert held == {"wasted": [{"amount": "0.60", "currency": "EUR"}], "stake": [{"amount": "0.48", "currency": "EUR"}]}
    summary = run("summary", SPEC).out.splitlines()[-1]
    assert summary.endswith(
        "; spent 0.36 EUR for images that came, 0.60 EUR for lost images; 0.48 EUR may have been spent."
    )
    manifest = json.loads(Path("outputs/fall/manifest.json").read_text("utf-8"))["summary"]
    sums = {name: manifest[name] for name in ("spent", "wasted", "unknown", "unpriced")}
    assert sums == {"spent": {"EUR": "0.36"}, "wasted": {"EUR": "0.60"}, "unknown": {"EUR": "0.48"}, "unpriced": 0}


def test_each_held_run_tells_its_part_and_the_events_do_too(run: Run) -> None:
    ended = apply(run, "--json", "--junit", "junit.xml")
    events = [json.loads(line) for line in ended.out.splitlines()]
    held = {event["address"]: event for event in events if event["event"] == "run_held"}
    assert [
        [
            None if held[f"many[what={what}]"][name] is None else held[f"many[what={what}]"][name]["amount"]
            for name in MONEY
        ]
        for what in ("lost", "short", "gone", "broken", "refused")
    ] == [
        [None, None, "0.24"],
        ["0.12", "0.12", None],
        [None, "0.24", None],
        [None, "0.24", None],
        [None, None, None],
    ]
    (finished,) = (event for event in events if event["event"] == "finished")
    assert [finished[name][0]["amount"] for name in MONEY] == ["0.36", "0.60", "0.48"]
    junit = Path("junit.xml").read_text("utf-8")
    assert "made by the server, and could not be fetched" in junit
    assert "0.12 EUR spent for images that came; 0.12 EUR spent for lost images" in junit


MONEY = ("spent", "wasted", "stake")


def test_images_are_said_to_be_kept_only_where_some_came(run: Run) -> None:
    blocks = apply(run).err.split("error: ")
    kept = [block for block in blocks if "the images that came are kept" in block]
    assert [re.findall(r"many\[what=(\w+)\]: ", block) for block in kept] == [["short"]]
    plan = run("plan", *VARIANT, SPEC).out
    assert "many[what=gone]: paid for, and none of its images arrived\n" in plan
    assert "many[what=short]: paid for, and only some of its images arrived\n" in plan


PRINTED = re.compile(r"`(specrun [^`]*)`|: (specrun (?:apply|resolve) .*)")


def printed(text: str) -> list[str]:
    return [one or other for one, other in PRINTED.findall(text)]


def test_every_printed_command_does_what_it_is_printed_for(run: Run, tmp_path: Path, server: FaultServer) -> None:
    told = apply(run)
    commands: dict[str, None] = {}
    for block in told.err.split("error: held as ")[1:]:
        # Of runs that are held alike one stands for all.
        found = re.search(r"(?:^  |for example )(many\[.*?\])", block, re.MULTILINE)
        assert found is not None
        for command in printed(block):
            filled = command.replace("ADDRESS", shlex.quote(found[1]))
            commands[filled.replace("SPEC", shlex.join([*VARIANT, SPEC]))] = None
    for text in (run("plan", *VARIANT, SPEC).out, run("verify", *VARIANT, SPEC, code=1).out):
        commands.update(dict.fromkeys(printed(text)))
    for what in STATES:
        address = f"many[what={what}]" if " " not in what else f'many[what="{what}"]'
        commands.update(dict.fromkeys(printed(run("resolve", address, *_other(what), code=1).err)))
    assert len(commands) >= 20
    _answer_well(server)
    for number, command in enumerate(commands):
        _run_on_a_copy(run, tmp_path / f"copy {number}", command)


def _other(what: str) -> tuple[str, ...]:
    """Return what does not settle a run."""
    return ("--accept",) if STATES[what] in ("unknown", "unusable") else ("--not-billed",)


def _answer_well(server: FaultServer) -> None:
    server._script = [good()]


def _run_on_a_copy(run: Run, folder: Path, command: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        shutil.copytree(".", folder)
        patch.chdir(folder)
        for name in ("one", "two"):
            (folder / f"{name}.png").write_bytes(picture(name))
        words = shlex.split(command)[1:]
        for name in ("one.png", "two.png"):
            if "IMAGE" in words:
                words[words.index("IMAGE")] = name
        if "--file" in words and words.count("--file") == 1:
            words += ["--file", "two.png"]
        before = states()
        words = ['many[what="lost too"]' if word == "ADDRESS" else word for word in words]
        if words[0] in ("apply", "resolve"):
            # Where a job is the target, its other runs stay held.
            run(*words, "--yes", code=1 if "many" in words and words[0] == "apply" else 0)
            assert "--accept" in words or before.keys() - states().keys(), command
        else:
            run(*words, code=None)
        shutil.rmtree(folder)


def test_a_selector_settles_all_that_it_means_once_they_were_shown(run: Run, server: FaultServer) -> None:
    apply(run)
    before = states()
    refused = run("resolve", "--not-billed", "many[*]", code=64)
    assert "nobody to ask" in refused.err
    assert 'many[what="lost too"]: unknown; 0.24 EUR may have been spent\n' in refused.err
    assert "many[what=gone]: partial; 0.24 EUR spent for lost images; this does not settle it" in refused.err
    assert states() == before
    run("resolve", "--not-billed", "--yes", "what=lost*")
    assert "lost" not in states()
    assert "lost too" not in states()
    assert len(states()) == 4
    _answer_well(server)
    assert "Requests: 2 for 4 images." in run("plan", *VARIANT, SPEC).out
    told = run("resolve", "--not-billed", "--yes", "many", code=1).err
    assert told.count("which this does not settle") == 4


def test_a_selector_that_runs_of_several_specs_fit_is_not_settled_and_each_spec_is_named(
    run: Run, server: FaultServer
) -> None:
    apply(run)
    server._script = [close_after_reading]
    late = ("--name", "late", "--var", "season=a late fall", "--target", "many[what=lost]")
    run("apply", "--yes", *late, SPEC, code=1)
    ended = run("resolve", "--not-billed", "--yes", "many[what=lost]", code=64)
    assert "my specs/it's.yaml as fall (1 held run), my specs/it's.yaml as late (1 held run)" in ended.err
    (command,) = printed(ended.err)
    assert run(*shlex.split(command)[1:]).out == "many[what=lost]: settled; the next apply asks for it anew\n"
    assert run("resolve", "--not-billed", "--name", "late", "many[what=lost]").code == 0


def test_the_picture_of_another_run_is_not_taken_and_says_whose_it_is(run: Run) -> None:
    apply(run)
    fine = sorted(Path("outputs/fall/many").glob("fine*"))
    given = [word for path in fine for word in ("--file", str(path))]
    ended = run("resolve", *given, "many[what=broken]", code=1)
    assert f"{fine[0]} was made for many[what=fine], not for many[what=broken]" in ended.err
    copied = Path("renamed.png")
    shutil.copy(fine[0], copied)
    ended = run("resolve", "--file", "renamed.png", "--file", "renamed.png", "many[what=gone]", code=1)
    assert "renamed.png was made for many[what=fine]" in ended.err
    assert states()["broken"] == "unusable"


def test_images_given_for_a_lost_reply_are_what_was_paid_for(run: Run) -> None:
    apply(run)
    for name in ("one", "two"):
        Path(f"{name}.png").write_bytes(picture(name))
    run("resolve", "--file", "one.png", "--file", "two.png", "many[what=lost]")
    assert "spent 0.60 EUR for images that came, 0.60 EUR for lost images; 0.24 EUR may" in run("summary", SPEC).out
    apply(run)
    manifest = json.loads(Path("outputs/fall/manifest.json").read_text("utf-8"))["summary"]
    assert (manifest["spent"], manifest["unknown"]) == ({"EUR": "0.60"}, {"EUR": "0.24"})


def test_what_was_paid_for_in_vain_stays_so_when_it_is_accepted(run: Run) -> None:
    apply(run)
    for what in ("gone", "short", "refused"):
        run("resolve", "--accept", f"many[what={what}]")
    for _ in range(2):
        apply(run)
        manifest = json.loads(Path("outputs/fall/manifest.json").read_text("utf-8"))["summary"]
        assert manifest["wasted"] == {"EUR": "0.60"}
        assert manifest["held"] == {"unknown": 2, "unusable": 1}
    plan = run("plan", *VARIANT, SPEC).out
    assert "Plan: 4 keep, 3 held.\n" in plan
    assert "At stake in held runs: 0.24 EUR spent for lost images; 0.48 EUR may" in plan


def test_a_sandbox_that_was_killed_puts_no_money_at_stake(run: Run) -> None:
    Path("free.yaml").write_text(MANY.replace("provider: shop", "provider: sandbox"), "utf-8")
    run("apply", "--yes", "--var", "season=fall", "--target", "many[what=fine]", "free.yaml")
    with sqlite3.connect(".specrun/ledger.db") as ledger:
        ledger.execute("UPDATE attempts SET state = 'sent', ended_at = NULL")
    Path("free.lock.json").unlink()
    shutil.rmtree("outputs/free")
    shutil.rmtree(".specrun/store")
    ended = run("apply", "--yes", "--var", "season=fall", "--target", "many[what=fine]", "free.yaml", code=1)
    told = (
        ended.err + ended.out + run("plan", "--var", "season=fall", "free.yaml").out + run("summary", "free.yaml").out
    )
    assert "held as unknown" in told
    assert "CNY" not in told
    assert "billed" not in told
    assert "provider whether" not in told
    (command, *_) = printed(ended.err)
    words = command.replace("ADDRESS", "'many[what=fine]'").replace("SPEC", "--var season=fall free.yaml")
    assert run(*shlex.split(words)[1:], "--yes").code == 0


def test_a_budget_says_which_price_is_missing_and_where_it_goes(run: Run) -> None:
    Path("schemas").mkdir()
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"model": {"const": "acme/own"}, "prompt": {"type": "string"}},
        "required": ["model", "prompt"],
        "additionalProperties": False,
    }
    Path("schemas/own.json").write_text(json.dumps(schema), "utf-8")
    Path("own.yaml").write_text("specrun: 1\nprovider: shop\njobs: {a: {model: acme/own, prompt: a cat}}\n", "utf-8")
    ended = run("apply", "--yes", "--max-cost", "5EUR", "own.yaml", code=1)
    assert "error: price unknown\n  the price of 1 image is unknown (acme/own), so" in ended.err
    assert "`prices: {acme/own: {EUR: AMOUNT}}`" in ended.err
    assert "raise" not in ended.err
    settings = json.loads(Path("specrun.yaml").read_text("utf-8"))
    settings["prices"]["acme/own"] = {"EUR": 0.5}
    Path("specrun.yaml").write_text(json.dumps(settings), "utf-8")
    assert "Spent: 0.50 EUR.\n" in run("apply", "--yes", "--max-cost", "5EUR", "own.yaml").out

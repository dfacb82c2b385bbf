"""The files for CI are valid by schemas that know them, and their commands do what they say."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml
from forge import Forge, forge
from markdown_it import MarkdownIt

from specrun.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github/actions/specrun"
BIN = Path(sys.executable).parent


def blocks() -> dict[str, str]:
    """Return the files that the page shows, by the name in their first line."""
    page = MarkdownIt().parse((ACTION / "README.md").read_text("utf-8"))
    shown = [token.content for token in page if token.type == "fence" and token.info == "yaml"]
    return {text.partition("\n")[0].removeprefix("# "): text for text in shown}


def tool(name: str, *arguments: str, folder: Path = ROOT) -> None:
    ended = subprocess.run([BIN / name, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_action_and_all_workflows_are_valid(tmp_path: Path) -> None:
    tool("check-jsonschema", "--builtin-schema", "vendor.github-actions", str(ACTION / "action.yml"))
    files = {path.name: path.read_text("utf-8") for path in (ROOT / ".github/workflows").iterdir()}
    files["starter.yml"] = (ROOT / "specrun/cli/starter/workflow.yml").read_text("utf-8")
    files |= {Path(name).name: text for name, text in blocks().items() if name.startswith(".github/workflows")}
    assert {"images.yml", "shards.yml"} <= files.keys()
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files, folder=tmp_path)


def test_the_pipeline_for_gitlab_is_valid(tmp_path: Path) -> None:
    (tmp_path / "gitlab.yml").write_text(blocks()[".gitlab-ci.yml"], "utf-8")
    tool("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", "gitlab.yml", folder=tmp_path)


def test_the_hooks_are_valid_and_so_is_what_asks_for_them(tmp_path: Path) -> None:
    tool("pre-commit", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml"))
    (tmp_path / "config.yaml").write_text(blocks()[".pre-commit-config.yaml"], "utf-8")
    tool("pre-commit", "validate-config", str(tmp_path / "config.yaml"))
    asked = {hook["id"] for hook in yaml.safe_load(blocks()[".pre-commit-config.yaml"])["repos"][0]["hooks"]}
    assert asked == {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}


def test_no_workflow_lets_a_forks_pull_request_reach_a_secret() -> None:
    for name, text in blocks().items():
        if not name.startswith(".github/workflows"):
            continue
        # YAML 1.1 would read the key `on` as true.
        workflow = yaml.load(text, yaml.BaseLoader)
        assert "pull_request_target" not in str(workflow["on"])
        jobs = [job for job in workflow["jobs"].values() if "pull_request" in workflow["on"]]
        for job in jobs:
            assert ("secrets." in str(job)) <= (job["if"] == "github.event_name == 'push'")


def test_no_command_of_the_action_holds_what_an_outsider_could_write() -> None:
    for step in yaml.safe_load((ACTION / "action.yml").read_text("utf-8"))["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


@pytest.fixture
def api() -> Iterator[Forge]:
    with forge() as server:
        yield server


@dataclass(frozen=True)
class Runner:
    """A checkout with a remote, in which steps are run as a runner would."""

    folder: Path
    temporary: Path

    def sh(self, script: str, code: int = 0, **env: str) -> str:
        dropped = ("NO_COLOR", "FORCE_COLOR", "GITHUB_", "SPECRUN_", "CI")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        mine = {
            "PATH": os.pathsep.join((str(BIN), kept.get("PATH", os.defpath))),
            "RUNNER_TEMP": str(self.temporary),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
        }
        ended = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.folder,
            env=kept | mine | env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    def step(self, name: str, inputs: Mapping[str, str], code: int = 0, **env: str) -> str:
        """Run a step of the action."""
        action = yaml.safe_load((ACTION / "action.yml").read_text("utf-8"))
        step = next(step for step in action["runs"]["steps"] if step.get("name") == name)
        given = {name: inputs.get(name, setting["default"]) for name, setting in action["inputs"].items()}
        known = {f"inputs.{name}": value for name, value in given.items()}
        known["github.event.pull_request.number"] = "7"
        filled = {
            name: re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda found: known[found[1]], value)
            for name, value in step.get("env", {}).items()
        }
        return self.sh(step["run"], code, **filled, **env, GITHUB_ACTION_PATH=str(ACTION))


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    folder = tmp_path / "work"
    (tmp_path / "runner").mkdir()
    runner = Runner(folder, tmp_path / "runner")
    folder.mkdir()
    runner.sh(
        "git init -q --bare -b main ../origin.git && specrun init . && git init -q -b main && git add -A &&"
        " git -c user.name=a -c user.email=a@example.com commit -qm Begin &&"
        " git remote add origin ../origin.git && git push -qu origin main"
    )
    return runner


def test_the_action_plans_and_keeps_one_comment(runner: Runner, api: Forge) -> None:
    person = ("User", "<!-- specrun plan -->\nI quote this.")
    api.comments = dict.fromkeys((1, 2, 3), person)
    runner.step("Install", {"install": "--no-index --no-deps specrun"})
    runner.step("Validate", {})
    for _ in range(2):
        runner.step("Plan", {})
        runner.step("Comment", {"token": "canary-token"}, GITHUB_API_URL=api.url, GITHUB_REPOSITORY="acme/shop")
    assert api.comments.keys() == {1, 2, 3, 4}
    body = api.comments[4][1]
    assert body.startswith("<!-- specrun plan -->\n### specrun plan\n")
    assert "6 create" in body
    assert api.tokens == {"Bearer canary-token"}


def test_the_action_applies_and_commits_the_lock_back(runner: Runner) -> None:
    runner.step("Apply", {"arguments": "--max-images 6"})
    runner.step("Commit", {})
    runner.step("Commit", {})  # nothing more to commit is no failure
    assert runner.sh("git log --format=%s origin/main").split("\n")[:2] == ["Lock what specrun made", "Begin"]
    committed = runner.sh("git show --stat --format= origin/main")
    assert "specs/quickstart.lock.json" in committed
    assert "outputs/" not in committed
    suite = ET.parse(runner.temporary / "specrun.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("6", "0")


SOMEBODY = "git -c user.name=b -c user.email=b@example.com"


def test_the_action_goes_on_from_the_lock_that_an_earlier_run_has_committed_since(runner: Runner) -> None:
    runner.sh(LOCK_MEANWHILE)
    runner.step("Apply", {"arguments": "--locked"}, code=2)
    runner.step("Catch up", {})
    runner.step("Apply", {"arguments": "--locked"})
    runner.step("Commit", {})
    assert runner.sh("git log --format=%s origin/main").split("\n")[0] == "Meanwhile"


def test_the_action_commits_also_when_somebody_pushed_meanwhile(runner: Runner) -> None:
    runner.step("Apply", {})
    runner.sh(
        "git clone -q ../origin.git ../other && cd ../other && touch new && git add new &&"
        f" {SOMEBODY} commit -qm Meanwhile && git push -q"
    )
    runner.step("Commit", {})
    assert runner.sh("git log --format=%s origin/main").split("\n")[:2] == ["Lock what specrun made", "Meanwhile"]


LOCK_MEANWHILE = (
    "git clone -q ../origin.git ../other && cd ../other && specrun apply --yes specs && git add --all &&"
    f" {SOMEBODY} commit -qm Meanwhile && git push -q"
)


def committed_lock(runner: Runner) -> set[str]:
    lock = json.loads(runner.sh("git show origin/main:specs/quickstart.lock.json"))
    return {row["address"] for row in lock["runs"] if row["outputs"]}


@pytest.mark.parametrize("images_in_git", [False, True])
def test_the_action_joins_its_lock_with_one_that_somebody_pushed_meanwhile(runner: Runner, images_in_git: bool) -> None:
    if images_in_git:
        keep_images_in_git(runner)
    runner.step("Apply", {"arguments": "--target style=woodcut"})
    runner.sh(LOCK_MEANWHILE.replace("--yes", "--yes --target style=watercolour"))
    runner.step("Commit", {})
    assert runner.sh("git log --format=%s origin/main").split("\n")[:2] == ["Lock what specrun made", "Meanwhile"]
    assert len(committed_lock(runner)) == 6
    assert runner.sh("git status --porcelain") == ""
    if images_in_git:
        runner.sh("specrun verify specs")


def keep_images_in_git(runner: Runner) -> None:
    runner.sh(f"sed -i /outputs/d .gitignore && {SOMEBODY} commit -qam 'Keep images' && git push -q")


def test_the_action_commits_the_lock_of_an_apply_that_failed(runner: Runner) -> None:
    (runner.folder / "specs/away.yaml").write_text(AWAY, "utf-8")
    runner.step("Apply", {}, code=1)
    runner.step("Commit", {})
    assert len(committed_lock(runner)) == 6


AWAY = "specrun: 1\njobs: {dot: {model: nobody/Nothing, prompt: hello}}\n"


def test_the_shards_of_the_workflow_become_one_lock(runner: Runner) -> None:
    jobs = yaml.safe_load(blocks()[".github/workflows/shards.yml"])["jobs"]
    (apply,) = [step["run"] for step in jobs["shard"]["steps"] if "--shard" in step.get("run", "")]
    for number in jobs["shard"]["strategy"]["matrix"]["shard"]:
        runner.sh(apply.replace("${{ matrix.shard }}", str(number)))
    for step in jobs["merge"]["steps"]:
        if "run" in step and not step["run"].startswith("pip "):
            runner.sh(step["run"])
    assert "specs/quickstart.lock.json" in runner.sh("git show --stat --format= origin/main")
    assert "Nothing to do: 6 keep." in runner.sh("specrun plan specs")


@pytest.mark.skipif(shutil.which("curl") is None, reason="the pipeline's image has curl, this machine has not")
def test_gitlabs_jobs_plan_with_one_note_and_apply(runner: Runner, api: Forge) -> None:
    pipeline = yaml.safe_load(blocks()[".gitlab-ci.yml"])
    names = {"CI_API_V4_URL": api.url, "CI_PROJECT_ID": "1", "CI_MERGE_REQUEST_IID": "7"}
    notes = re.sub(r"\$(\w+)", lambda found: names[found[1]], pipeline["plan"]["variables"]["NOTES"])
    api.comments = {1: ("User", "hello")}
    script = "\n".join(pipeline["plan"]["script"])
    runner.sh(script, NOTES=notes)  # a fork has no token
    assert api.comments.keys() == {1}
    for _ in range(2):
        runner.sh(script, NOTES=notes, SPECRUN_NOTE_TOKEN="canary-token")
    assert api.comments.keys() == {1, 2}
    assert "6 create" in api.comments[2][1]


def test_gitlabs_apply_pushes_the_lock_also_when_it_fails_and_somebody_pushed_meanwhile(runner: Runner) -> None:
    apply = yaml.safe_load(blocks()[".gitlab-ci.yml"])["apply"]
    given = apply["variables"] | {"REMOTE": "../origin.git", "CI_COMMIT_BRANCH": "main"}
    script = "\n".join(apply["script"])
    runner.sh("git checkout -q --detach")
    (runner.folder / "specs/away.yaml").write_text(AWAY, "utf-8")
    runner.sh(LOCK_MEANWHILE.replace("--yes", "--yes --target style=woodcut"))
    for _ in range(2):  # the second time there is nothing more to commit
        runner.sh(script, code=1, **given)
        runner.sh("git fetch -q ../origin.git main:refs/remotes/origin/main")
        assert len(committed_lock(runner)) == 6
        assert runner.sh("git log --format=%s origin/main").split("\n")[1] == "Meanwhile"
    assert (runner.folder / apply["artifacts"]["reports"]["junit"]).is_file()
    assert runner.sh("git status --porcelain") == "?? specrun.xml\n"
    (runner.folder / "specs/away.yaml").unlink()
    runner.sh(script, **given)


def test_gitlabs_apply_joins_its_lock_with_one_that_somebody_pushed_while_it_was_at_work(runner: Runner) -> None:
    keep_images_in_git(runner)
    apply = yaml.safe_load(blocks()[".gitlab-ci.yml"])["apply"]
    given = apply["variables"] | {"REMOTE": "../origin.git", "CI_COMMIT_BRANCH": "main"}
    hook = runner.folder / ".git/hooks/pre-commit"
    meanwhile = LOCK_MEANWHILE.replace("--yes", "--yes --target style=watercolour")
    hook.write_text(f"#!/bin/sh\nrm $0; for name in $(env | grep -o ^GIT_[A-Z_]*); do unset $name; done; {meanwhile}\n")
    hook.chmod(0o755)
    runner.sh("git checkout -q --detach")
    runner.sh("\n".join(apply["script"]), **given)
    assert not hook.exists()
    runner.sh("git fetch -q ../origin.git main:refs/remotes/origin/main")
    assert runner.sh("git log --format=%s origin/main").split("\n")[:2] == [
        "Lock what specrun made [skip ci]",
        "Meanwhile",
    ]
    assert len(committed_lock(runner)) == 6
    assert runner.sh("git status --porcelain") == "?? specrun.xml\n"
    runner.sh("specrun verify specs")


def test_the_hooks_refuse_what_they_should(runner: Runner) -> None:
    hooks = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
    validate, lock = hooks["specrun-validate"], hooks["specrun-lock"]
    spec = "specs/quickstart.yaml"
    assert re.search(validate["files"], spec)
    assert re.search(lock["files"], spec)
    assert not validate["pass_filenames"]
    assert not lock["pass_filenames"]
    (runner.folder / "specs/deep").mkdir()
    (runner.folder / "specs/deep/data.yaml").write_text("- no spec, but what one reads\n", "utf-8")
    runner.sh(validate["entry"])
    runner.sh(lock["entry"], code=2)
    runner.sh("specrun lock specs")
    runner.sh(lock["entry"])
    path = runner.folder / spec
    path.write_text(path.read_text("utf-8").replace("prompt:", "promt:", 1), "utf-8")
    assert "promt" in runner.sh(validate["entry"], code=1)


def test_every_command_that_the_files_run_exists() -> None:
    text = (ACTION / "README.md").read_text("utf-8") + (ACTION / "action.yml").read_text("utf-8")
    assert set(re.findall(r"\bspecrun (validate|plan|apply|lock|merge|push|pull)\b", text)) <= set(COMMANDS)

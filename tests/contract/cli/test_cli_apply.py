import json
import os
import select
import signal
import socket
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Self

import pytest
from PIL import Image

QUICKSTART = "specs/quickstart.yaml"
KEY = {"MODELVERSE_API_KEY": "sk-canary-7f3a"}


def spec(folder: Path, name: str, runs: int, head: str = "") -> str:
    path = folder / "specs" / f"{name}.yaml"
    path.write_text(
        f"specrun: 1\n{head}"
        "jobs:\n"
        "  dots:\n"
        "    model: black-forest-labs/FLUX.1-dev\n"
        '    prompt: "dot {{ i }}"\n'
        f'    matrix: {{i: "{{{{ range({runs}) | list }}}}"}}\n'
        "    params: {size: 256x256}\n",
        "utf-8",
    )
    return f"specs/{name}.yaml"


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    kept = [*folder.glob("specs/*.json"), *(path for path in folder.glob("outputs/**/*") if path.is_file())]
    return {path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes()) for path in kept}


def settings(folder: Path, text: str) -> None:
    (folder / "specrun.yaml").write_text(text, "utf-8")


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Server(ThreadingHTTPServer):
    """Knows of nothing that it is asked for, and counts the questions."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Nothing)
        self.posts = 0

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class Nothing(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Server)
        self.server.posts += 1
        self.rfile.read(int(self.headers["content-length"]))
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("command", [("apply", "--yes"), ("apply", "--rehearse"), ("lock",)])
def test_git_sees_no_state_also_in_a_project_that_init_did_not_make(specrun: Any, command: tuple[str, ...]) -> None:
    def untracked() -> set[str]:
        git = ["git", "status", "--porcelain", "--untracked-files=all"]
        told = subprocess.run(git, cwd=specrun.folder, check=True, capture_output=True, text=True).stdout
        return {line[3:].partition("/")[0] for line in told.splitlines()}

    subprocess.run(["git", "init", "-q"], cwd=specrun.folder, check=True)
    (specrun.folder / "specs").mkdir()
    path = spec(specrun.folder, "few", 1, "provider: sandbox\n")
    specrun("plan", path)
    assert not (specrun.folder / ".specrun").exists()
    specrun(*command, path)
    assert (specrun.folder / ".specrun").is_dir()
    assert untracked() <= {"specs", "outputs"}
    # Whoever wants it in git says so by removing what hides it.
    (specrun.folder / ".specrun/.gitignore").unlink()
    specrun(*command, path)
    assert ".specrun" in untracked()


def test_apply_shows_the_plan_makes_the_images_and_sums_up(project: Any) -> None:
    ended = project("apply", "--yes", QUICKSTART)
    assert "Plan: 6 create.\n" in ended.out
    assert ended.out.count("\nmade      animals[") == 6
    assert ended.out.endswith(
        "\nDone: 6 images made.\nRequests: 6.\nSpent: nothing.\nImages: outputs/quickstart\n"
        "Gallery: specrun gallery specs/quickstart.yaml\n"
    )
    images = sorted((project.folder / "outputs/quickstart").glob("**/*.png"))
    assert len(images) == 6
    for path in images:
        with Image.open(path) as image:
            image.load()
            assert image.format == "PNG"


def test_a_second_apply_asks_nobody_sends_nothing_and_touches_nothing(project: Any) -> None:
    project("apply", "--yes", QUICKSTART)
    before = state(project.folder)
    ended = project("apply", QUICKSTART)
    assert "Nothing to do: 6 keep.\n" in ended.out
    assert "Done: 6 runs kept.\nRequests: 0.\n" in ended.out
    assert state(project.folder) == before


def test_an_apply_that_keeps_everything_still_writes_what_the_lock_says_otherwise(project: Any) -> None:
    spec, lock = project.folder / QUICKSTART, project.folder / "specs/quickstart.lock.json"
    project("apply", "--yes", QUICKSTART)
    before = json.loads(lock.read_text())
    assert all("n" in row["defaults"] for row in before["runs"])
    spec.write_text(spec.read_text() + "      n: 1\n")
    assert "6 runs kept" in project("apply", "--yes", QUICKSTART).out
    after = json.loads(lock.read_text())
    assert [row["key"] for row in after["runs"]] == [row["key"] for row in before["runs"]]
    assert not any("n" in row["defaults"] for row in after["runs"])


def test_without_a_terminal_and_without_yes_nothing_is_changed(project: Any) -> None:
    ended = project("apply", QUICKSTART, code=64)
    assert "there is no terminal to ask on" in ended.err
    assert "hint: read the plan, then pass --yes" in ended.err
    assert "Plan: 6 create." in ended.out
    assert state(project.folder) == {}


def on_a_terminal(folder: Path, answer: bytes | signal.Signals, *arguments: str) -> tuple[int, str]:
    """Run specrun on a pseudo-terminal, answer its question, and return its exit code and all that was shown."""
    import pty

    master, slave = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    answered = False

    def give(child: subprocess.Popen[bytes]) -> None:
        if isinstance(answer, bytes):
            os.write(master, answer)
        else:
            child.send_signal(answer)

    with subprocess.Popen(
        [sys.executable, "-m", "specrun", *arguments],
        cwd=folder,
        env=env | {"TERM": "xterm", "COLUMNS": "120"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        # A shell that starts the tests in its background has them ignore this, and their children too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 (no threads here)
    ) as child:
        os.close(slave)
        shown = b""
        try:
            while True:
                if not select.select([master], [], [], 0.5)[0]:
                    # A signal between the prompt and the wait for keys wakes nobody up, and keys pressed there may
                    # be dropped as the terminal is set up: Python's own races.
                    if answered:
                        give(child)
                    continue
                part = os.read(master, 65536)
                if not part:
                    break
                shown += part
                if not answered and b"[y/N]" in shown:
                    answered = True
                    give(child)
        except OSError:
            pass  # Linux ends a pseudo-terminal's stream with EIO
    os.close(master)
    return child.returncode, shown.decode()


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are a Unix thing")
def test_on_a_terminal_it_asks_and_takes_no_for_an_answer(project: Any) -> None:
    code, shown = on_a_terminal(project.folder, b"n\n", "apply", QUICKSTART)
    assert code == 1
    assert "Nothing was changed." in shown
    assert state(project.folder) == {}


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are a Unix thing")
def test_on_a_terminal_it_asks_and_draws_a_bar(project: Any) -> None:
    code, shown = on_a_terminal(project.folder, b"y\n", "apply", QUICKSTART)
    assert code == 0
    assert "Apply this? [y/N]" in shown
    assert "━" in shown
    assert "\nmade  " not in shown
    assert "Done: 6 images made." in shown


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are a Unix thing")
def test_ctrl_c_at_the_question_changes_nothing(project: Any) -> None:
    code, shown = on_a_terminal(project.folder, signal.SIGINT, "apply", QUICKSTART)
    # A signal more, while Python ends, ends it at once; a shell calls either 130.
    assert code in (130, -signal.SIGINT)
    assert "Traceback" not in shown
    assert state(project.folder) == {}


def test_json_is_an_event_a_line_and_nothing_else(project: Any) -> None:
    ended = project("apply", "--yes", "--json", QUICKSTART)
    events = [json.loads(line) for line in ended.out.splitlines()]
    assert {event["format_version"] for event in events} == {"1.0"}
    kinds = [event["event"] for event in events]
    assert (kinds[0], kinds[-1]) == ("started", "finished")
    assert (kinds.count("sent"), kinds.count("run_done")) == (6, 6)
    assert (events[-1]["requests"], events[-1]["made"]) == (6, 6)


def test_json_leaves_no_place_for_a_question(project: Any) -> None:
    assert "hint: add --yes" in project("apply", "--json", QUICKSTART, code=64).err


def test_limits_hold_before_the_first_request(project: Any) -> None:
    settings(project.folder, "provider: modelverse\n")
    for limit, said in (
        (("--max-images", "5"), "the plan asks for 6 images; the limit is 5"),
        (("--max-cost", "2.09CNY"), "the plan costs 2.10 CNY; the limit is 2.09 CNY"),
        (("--max-cost", "100USD"), "no limit in CNY is set"),
    ):
        ended = project("apply", "--yes", *limit, QUICKSTART, code=1, env=KEY)
        assert said in ended.err
    assert state(project.folder) == {}


def test_limits_hold_for_all_specs_of_a_command_together(project: Any) -> None:
    ended = project("apply", "--yes", "--max-images", "10", QUICKSTART, spec(project.folder, "more", 5), code=1)
    assert "the plan asks for 11 images; the limit is 10" in ended.err
    assert state(project.folder) == {}


@pytest.mark.parametrize("amount", ["5", "CNY", "-1CNY", "5 yuan"])
def test_an_amount_without_its_currency_is_wrong_usage(project: Any, amount: str) -> None:
    ended = project("apply", "--yes", f"--max-cost={amount}", QUICKSTART, code=64)
    assert "is not an amount with its currency, like 25CNY" in ended.err


def test_a_rehearsal_needs_no_yes_and_touches_neither_lock_nor_outputs(project: Any) -> None:
    settings(project.folder, "provider: modelverse\n")
    ended = project("apply", "--rehearse", QUICKSTART)
    assert "Images: .specrun/rehearsal/outputs/quickstart\n" in ended.out
    assert state(project.folder) == {}
    assert len([*project.folder.glob(".specrun/rehearsal/outputs/quickstart/**/*.png")]) == 6


def test_a_spec_with_faults_does_not_keep_the_others_from_being_applied(project: Any) -> None:
    broken = project.folder / "specs/broken.yaml"
    broken.write_text("specrun: 1\njobs: {}\n")
    ended = project("apply", "--yes", "specs/broken.yaml", QUICKSTART, code=1)
    assert "specs/broken.yaml:2:" in ended.err
    assert "Done: 6 images made." in ended.out


def test_a_missing_key_is_named_before_anything_is_sent(project: Any) -> None:
    settings(project.folder, "provider: modelverse\n")
    ended = project("apply", "--yes", QUICKSTART, code=1)
    assert "MODELVERSE_API_KEY" in ended.err
    assert not [*project.folder.glob("outputs/**/*.png")]


def test_a_server_that_is_not_there_stops_the_apply_and_says_why(project: Any) -> None:
    port = closed_port()
    settings(
        project.folder,
        f"provider: mine\nproviders: {{mine: {{base_url: 'http://127.0.0.1:{port}/v1', retry_for: 1}}}}\n",
    )
    ended = project("apply", "--yes", spec(project.folder, "two", 2), code=1)
    assert ended.err.count("error: stopping\n") == 1
    assert f"no connection to 127.0.0.1:{port}: " in ended.err
    assert f"hint: check base_url, http://127.0.0.1:{port}/v1, and the network; then apply again\n" in ended.err
    assert "Not all done: 2 not started.\n" in ended.out
    assert "Spent: nothing.\n" in ended.out


def test_a_wrong_path_stops_all_specs_of_a_command_and_is_told_in_a_few_lines(project: Any) -> None:
    with Server() as server:
        settings(
            project.folder,
            f"provider: mine\nproviders: {{mine: {{base_url: 'http://127.0.0.1:{server.server_port}/v2'}}}}\n",
        )
        specs = [spec(project.folder, name, 30) for name in ("one", "two", "three")]
        ended = project("apply", "--yes", *specs, code=1)
    assert server.posts <= 8
    assert ended.err.count("error: stopping\n") == 3
    assert ended.err.count("error: not made\n") == 1
    assert f"in {server.posts} runs, for example dots[i=" in ended.err
    assert "correct `base_url` of provider mine, now http://127.0.0.1:" in ended.err
    assert f"Not all done: {server.posts} failed, {30 - server.posts} not started.\n" in ended.out
    assert ended.out.count("Not all done: 30 not started.\nRequests: 0.\n") == 2
    assert len(ended.err.splitlines()) < 20


def test_a_key_in_the_environment_is_in_no_output_and_no_file(project: Any) -> None:
    settings(
        project.folder,
        "provider: mine\n"
        "providers:\n"
        f"  mine: {{base_url: 'http://127.0.0.1:{closed_port()}/v1', retry_for: 1, api_key_env: MODELVERSE_API_KEY}}\n",
    )
    name = spec(project.folder, "one", 1)
    for arguments in (("--debug", "apply", "--yes", name), ("plan", "--format", "json", "-o", "plan.json", name)):
        ended = project(*arguments, env=KEY, code=None)
        assert KEY["MODELVERSE_API_KEY"] not in ended.out + ended.err
    for path in project.folder.rglob("*"):
        assert not path.is_file() or KEY["MODELVERSE_API_KEY"].encode() not in path.read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_an_interrupted_apply_keeps_what_came_and_the_next_one_goes_on(project: Any) -> None:
    settings(project.folder, "provider: sandbox\n")
    name = spec(project.folder, "many", 120)
    with subprocess.Popen(
        [sys.executable, "-m", "specrun", "apply", "--yes", "--json", "-j", "2", name],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        events = []
        for line in child.stdout:
            events.append(json.loads(line))
            # Only as the third is done: a second signal would not wait for what is in flight.
            if events[-1]["event"] == "run_done" and sum(event["event"] == "run_done" for event in events) == 3:
                child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=60)
    assert (child.returncode, errors) == (130, "")
    assert events[-1]["event"] == "finished"
    assert events[-1]["interrupted"]
    made = events[-1]["made"]
    assert 3 <= made < 120
    ended = project("apply", "--yes", name)
    assert f"Requests: {120 - made}.\n" in ended.out
    assert f"{made} runs kept" in ended.out


def test_an_apply_whose_reader_leaves_is_finished_all_the_same(project: Any) -> None:
    name = spec(project.folder, "many", 40)
    with subprocess.Popen(
        [sys.executable, "-m", "specrun", "apply", "--yes", "--json", name],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr is not None
        assert "Traceback" not in child.stderr.read()
    assert "Nothing to do: 40 keep.\n" in project("plan", name).out


def test_only_the_targets_are_made(project: Any) -> None:
    ended = project("apply", "--yes", "--target", "style=woodcut", QUICKSTART)
    assert "Done: 3 images made." in ended.out
    assert "Plan: 3 create, 3 keep." in project("plan", QUICKSTART).out


def test_what_is_replaced_on_request_is_asked_for_anew(project: Any) -> None:
    project("apply", "--yes", QUICKSTART)
    ended = project("apply", "--yes", "--replace", "style=woodcut", QUICKSTART)
    assert "~ replace 3 runs; 3 images, free; asked for with --replace\n" in ended.out
    assert "Requests: 3.\n" in ended.out


def test_a_log_file_gathers_the_events_of_every_apply_beside_what_a_person_reads(project: Any) -> None:
    for _ in range(2):
        ended = project("apply", "--yes", "--log-file", "apply.log", QUICKSTART)
        assert "Done: " in ended.out
    events = [json.loads(line) for line in (project.folder / "apply.log").read_text("utf-8").splitlines()]
    assert [event["event"] for event in events].count("finished") == 2
    assert sum(event["event"] == "run_done" for event in events) >= 6

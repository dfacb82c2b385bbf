import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from specrun.diagnostics import BusyError
from specrun.store.hold import LockingError, held, hold, holder
from specrun.store.hold_name import hold_name

CHILD = """
import sys
from pathlib import Path
from specrun.store.hold import hold
with hold(Path(sys.argv[1]), "specs/shots.yaml", "shots"):
    print("held", flush=True)
    sys.stdin.read()
"""
NAME = hold_name("specs/shots.yaml", "shots")


def start_child(folder: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def test_a_second_apply_is_told_who_holds_the_spec(tmp_path: Path) -> None:
    with start_child(tmp_path) as child:
        with pytest.raises(BusyError) as caught, hold(tmp_path, "specs/shots.yaml", "shots"):
            pass
        assert caught.value.exit_code == 75
        assert f"specs/shots.yaml is being applied by process {child.pid} on " in str(caught.value)
        assert held(tmp_path, NAME)
        child.communicate()


def test_a_hold_dies_with_its_process(tmp_path: Path) -> None:
    with start_child(tmp_path) as child:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    assert not held(tmp_path, NAME)
    with hold(tmp_path, "specs/shots.yaml", "shots") as unfinished:
        who = holder(tmp_path, NAME)
    assert unfinished
    with hold(tmp_path, "specs/shots.yaml", "shots") as unfinished:
        assert not unfinished
    assert who is not None
    assert who.pid == os.getpid()


def test_other_specs_and_other_names_are_free(tmp_path: Path) -> None:
    with (
        hold(tmp_path, "specs/shots.yaml", "shots"),
        hold(tmp_path, "specs/shots.yaml", "summer"),
        hold(tmp_path, "specs/other.yaml", "shots"),
    ):
        assert held(tmp_path, NAME)
    assert not held(tmp_path, NAME)


def test_looking_whether_a_hold_is_taken_makes_no_file(tmp_path: Path) -> None:
    assert not held(tmp_path, NAME)
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_that_cannot_lock_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")
    for number in (38, 95, 37):  # ENOSYS, EOPNOTSUPP, ENOLCK

        def unsupported(handle: int, operation: int, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(fcntl, "flock", unsupported)
            with pytest.raises(LockingError, match="files cannot be locked here"), hold(tmp_path, "s", "n"):
                pass

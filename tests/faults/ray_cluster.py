"""A Ray cluster on this machine, started from the command line as an operator would, and its worker processes."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

# Ray's own, so that a test that fails for another reason than Ray's slowness says which.
_START = 60


class RayCluster:
    """A head with as many processors as given, listening at `address`; `folder` is where Ray writes everything."""

    def __init__(self, *, processors: int, environ: Mapping[str, str]) -> None:
        self._processors = processors
        self._environ = environ
        # Sockets stand below it, whose paths may not be long.
        self.folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
        self.address = f"127.0.0.1:{_free_port()}"

    def __enter__(self) -> Self:
        # Ray listens on all of the machine's addresses, so it asks everyone for the token.
        command = (
            f"start --head --block --port {self.address.partition(':')[2]}"
            f" --num-cpus {self._processors} --object-store-memory 100000000 --include-dashboard false"
            f" --disable-usage-stats --temp-dir {self.folder}"
        )
        self._log = (self.folder / "start.log").open("wb")
        self._head = subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", *command.split()],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **self._environ},
            start_new_session=True,
        )
        deadline = time.monotonic() + _START
        while not _listens(self.address) or "Ray runtime started" not in self.said():
            assert self._head.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._head.terminate()
        self._head.wait()
        self._log.close()
        shutil.rmtree(self.folder)

    def said(self) -> str:
        return (self.folder / "start.log").read_text(errors="replace")

    def kill_worker(self) -> None:
        """End one of the workers as a crash would, and return once it is gone."""
        victim = self.workers()[0]
        os.kill(victim, signal.SIGKILL)
        while victim in self.workers():
            time.sleep(0.01)

    def workers(self) -> list[int]:
        """Return the processes that run specrun's workers."""
        shown = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
        rows = [line.split(maxsplit=2) for line in shown.splitlines()]
        mine = set(_below(self._head.pid, {int(pid): int(parent) for pid, parent, *_ in rows}))
        return [int(pid) for pid, _, *args in rows if int(pid) in mine and args and args[0].startswith("ray::Worker")]


def _below(top: int, parents: Mapping[int, int]) -> Iterator[int]:
    for pid, parent in parents.items():
        if parent == top:
            yield pid
            yield from _below(pid, parents)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _listens(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True

"""A project whose images come from a fault server, applied in this process or in a child that can be killed."""

import asyncio
import importlib
import inspect
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
from fault_server import FaultServer

from specrun.apply.apply import apply
from specrun.apply.breaker import Breakers
from specrun.apply.events import Event, Finished
from specrun.apply.options import ApplyOptions
from specrun.apply.place import Place, place_of
from specrun.catalog.load import load_catalog
from specrun.diagnostics import SpecrunError
from specrun.model.lock import Lock, LockRow
from specrun.model.plan import Plan
from specrun.model.project import Budget, Project, Provider
from specrun.model.shard import Shard
from specrun.plan.make import make_plan
from specrun.plan.request import PlanRequest
from specrun.provider.backoff import Backoff
from specrun.provider.client import ImageClient
from specrun.server.app import create_app
from specrun.spec.project import load_project
from specrun.store.lockfile import lock_path, read_lock

E = TypeVar("E")

KEY = "sk-canary/7f3a9b+="
FLUX = "black-forest-labs/FLUX.1-dev"
QUICK = Backoff(base=0.001, cap=0.05)


@dataclass(frozen=True)
class Applied:
    """What an apply told, and what it came to."""

    plan: Plan
    finished: Finished
    events: tuple[Event, ...]

    def told(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]


@dataclass(frozen=True)
class Shop:
    """A project in a folder; `settings` are those of its one provider."""

    root: Path
    server: FaultServer
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        provider = {
            "base_url": self.server.base_url,
            "api_key_env": "FAULT_KEY",
            "concurrency": 8,
            "timeout": 5,
            "retry_for": 20,
        }
        document = {"providers": {"faulty": provider | dict(self.settings)}}
        (self.root / "specs").mkdir(parents=True, exist_ok=True)
        (self.root / "specrun.yaml").write_text(json.dumps(document))

    def write(self, name: str = "shots", **jobs: Any) -> Path:
        """Write a spec: a job each, given as YAML's own values."""
        path = self.root / "specs" / f"{name}.yaml"
        path.write_text(json.dumps({"specrun": 1, "provider": "faulty", "jobs": jobs}))
        return path

    def plan(self, spec: str = "shots", **asked: Any) -> Plan:
        request = PlanRequest(spec=self.root / "specs" / f"{spec}.yaml", environment={}, **asked)
        return make_plan(request, self.project())

    def project(self) -> Project:
        return load_project(self.root)

    def apply(self, spec: str = "shots", *, budget: Budget | None = None, **asked: Any) -> Applied:
        """Plan and apply in this process."""
        return self.apply_plan(self.plan(spec, **asked), ApplyOptions(budget=budget or Budget()))

    def apply_plan(
        self,
        plan: Plan,
        options: ApplyOptions | None = None,
        clients: Callable[[Provider], ImageClient] | None = None,
        *,
        breakers: Breakers | None = None,
    ) -> Applied:
        project = self.project()
        events: list[Event] = []
        catalog = load_catalog(project.schemas)
        finished = asyncio.run(
            apply(
                plan,
                project,
                catalog,
                clients or client_for,
                options or ApplyOptions(),
                events.append,
                breakers=breakers,
            )
        )
        return Applied(plan, finished, tuple(events))

    def start(
        self, name: str = "shots", *arguments: str, before: Callable[[], None] | None = None
    ) -> "subprocess.Popen[str]":
        """Plan and apply in a child that prints its events; `before` is called in it first."""
        return subprocess.Popen(
            [sys.executable, __file__, str(self.root), name, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,  # noqa: PLW1509 (nothing here has threads that hold locks across the fork)
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def place(self, spec: str = "shots") -> Place:
        path = self.root / "specs" / f"{spec}.yaml"
        return place_of(self.plan(spec), self.project(), lock_path(path))

    def lock(self, name: str = "shots") -> Lock:
        found = read_lock(self.root / "specs" / f"{name}.lock.json")
        assert found is not None
        return found

    def row(self, address: str, name: str = "shots") -> LockRow:
        return self.lock(name).rows[address]

    def output(self, path: str, name: str = "shots") -> Path:
        return self.root / "outputs" / name / path

    def written(self, name: str = "shots") -> dict[str, bytes]:
        """Return everything that an apply leaves for users, by path."""
        files = [*(self.root / "outputs" / name).rglob("*"), self.root / "specs" / f"{name}.lock.json"]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in files if path.is_file()}

    def times(self) -> dict[str, tuple[int, int]]:
        """Return inode and mtime of every file of the project, the folder of locks aside."""
        files = [path for path in self.root.rglob("*") if path.is_file() and path.parent.name != "holds"]
        return {str(path.relative_to(self.root)): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def numbered(count: int, **fields: Any) -> dict[str, Any]:
    """Return a job of `count` runs that differ in their prompt, `lamp 1` and so on."""
    job = {"model": FLUX, "prompt": "lamp {{ i }}", "matrix": {"i": list(range(1, count + 1))}}
    return {**job, **fields}


def client_for(provider: Provider) -> ImageClient:
    sandbox = None if provider.base_url else httpx.ASGITransport(create_app(load_catalog(None)))
    return ImageClient(provider, transport=sandbox, environ={"FAULT_KEY": KEY}, backoff=QUICK)


def killed(child: "subprocess.Popen[str]") -> None:
    """End a child as a power cut would, and wait for it."""
    child.send_signal(signal.SIGKILL)
    child.communicate()


def main(arguments: Sequence[str]) -> int:
    """Plan and apply as a child process."""
    root, name, *flags = arguments
    project = load_project(Path(root))
    for flag in flags:
        if flag.startswith("--kill="):
            _kill_at(flag.removeprefix("--kill="))
    shards = [Shard(number=int(flag[8]), count=int(flag[10])) for flag in flags if flag.startswith("--shard=")]
    request = PlanRequest(
        spec=Path(root) / "specs" / f"{name}.yaml",
        environment={},
        retry_unknown="--retry-unknown" in flags,
        shard=shards[0] if shards else None,
    )
    plan = make_plan(request, project)

    def watch(event: Event) -> None:
        print(type(event).__name__, event, flush=True)

    catalog = load_catalog(project.schemas)
    return asyncio.run(apply(plan, project, catalog, client_for, ApplyOptions(), watch)).exit_code


def _kill_at(point: str) -> None:
    """Have this process killed at `before:MODULE:NAME:COUNT` or `after:…`: the COUNTth call of a method or function."""
    when, module, name, count = point.split(":")
    holder: Any = importlib.import_module(module)
    *classes, method = name.split(".")
    for each in classes:
        holder = getattr(holder, each)
    original = getattr(holder, method)
    calls = itertools.count(1)

    def die(number: int, moment: str) -> None:
        if when == moment and number == int(count):
            os.kill(os.getpid(), signal.SIGKILL)

    def plain(*args: Any, **kwargs: Any) -> Any:
        number = next(calls)
        die(number, "before")
        result = original(*args, **kwargs)
        die(number, "after")
        return result

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        number = next(calls)
        die(number, "before")
        result = await original(*args, **kwargs)
        die(number, "after")
        return result

    setattr(holder, method, awaited if inspect.iscoroutinefunction(original) else plain)


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except SpecrunError as error:
        print(error, file=sys.stderr)
        code = error.exit_code
    sys.exit(code)

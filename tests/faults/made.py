"""A project on the sandbox whose images are made, in this process."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from specrun.apply.apply import apply
from specrun.apply.events import Finished
from specrun.apply.options import ApplyOptions
from specrun.catalog.load import load_catalog
from specrun.cli.targets import target_of
from specrun.cli.wiring import client_factory
from specrun.diagnostics import SpecrunError
from specrun.model.lock import Lock, LockedOutput, LockRow
from specrun.model.plan import Plan
from specrun.model.project import Project
from specrun.plan.make import make_plan
from specrun.plan.request import PlanRequest
from specrun.spec.project import load_project
from specrun.store.blobs import Blobs
from specrun.store.lockfile import lock_path, read_lock, write_lock
from specrun.verify.finding import Verification
from specrun.verify.target import Target
from specrun.verify.verify import verify

SPEC = """
specrun: 1
provider: sandbox
models: {flux: {id: black-forest-labs/FLUX.1-dev, params: {size: 256x256}}}
jobs:
  animals:
    model: flux
    prompt: "a {{ animal }}"
    matrix: {animal: [cat, owl]}
  pairs:
    model: flux
    prompt: a pair
    params: {n: 2}
  edit:
    model: black-forest-labs/Flux-Kontext-Pro
    prompt: "the same at night"
    params: {image: "{{ output('animals', animal='cat') }}"}
"""


@dataclass(frozen=True)
class Made:
    """A project folder with one spec, `shots.yaml`."""

    folder: Path

    @property
    def spec(self) -> Path:
        return self.folder / "shots.yaml"

    @property
    def project(self) -> Project:
        return load_project(self.folder)

    @property
    def lock_file(self) -> Path:
        return lock_path(self.spec)

    @property
    def lock(self) -> Lock:
        lock = read_lock(self.lock_file)
        assert lock is not None
        return lock

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs" / "shots"

    @property
    def blobs(self) -> Blobs:
        return Blobs(self.project.state / "store")

    @property
    def target(self) -> Target:
        return target_of(Path(os.path.relpath(self.spec)), self.project, None, None)

    def write(self, text: str) -> None:
        self.spec.write_text(text, "utf-8")

    def edit(self, old: str, new: str) -> None:
        text = self.spec.read_text("utf-8")
        assert text.count(old) == 1
        self.write(text.replace(old, new))

    def relock(self, address: str, **changes: Any) -> None:
        """Change a row of the lock, as a person with an editor might."""
        lock = self.lock
        rows = {row.address: row for row in lock.rows.values()}
        old = rows[address]
        rows[address] = replace(old, **changes)
        write_lock(self.lock_file, Lock(spec=lock.spec, name=lock.name, files=lock.files, vars=lock.vars, rows=rows))

    def plan(self, **wishes: Any) -> Plan:
        return make_plan(PlanRequest(spec=self.spec, **wishes), self.project)

    def apply(self, **wishes: Any) -> Finished:
        catalog = load_catalog(self.project.schemas)
        plan = self.plan(**wishes)
        return asyncio.run(apply(plan, self.project, catalog, client_factory(catalog), ApplyOptions(), lambda _: None))

    def verify(self, *, store: bool = False, mend: Callable[[str], bytes | None] | None = None) -> Verification:
        plan = None
        with contextlib.suppress(SpecrunError):
            plan = self.plan()
        return verify(self.target, plan, store=store, mend=mend)

    def row(self, address: str) -> LockRow:
        return self.lock.rows[address]

    def output(self, address: str, index: int = 1) -> LockedOutput:
        return self.row(address).outputs[index - 1]

    def file(self, address: str, index: int = 1) -> Path:
        return self.outputs / self.output(address, index).path


def begin(folder: Path, text: str = SPEC) -> Made:
    """Write a spec into an empty folder."""
    (folder / "specrun.yaml").write_text("{}\n")
    made = Made(folder)
    made.write(text)
    return made

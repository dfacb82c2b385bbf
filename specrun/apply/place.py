"""Where one apply reads and writes: the project's own places, or a rehearsal's."""

from dataclasses import dataclass
from pathlib import Path

from specrun.model.plan import Plan
from specrun.model.project import Project
from specrun.store.blobs import Blobs
from specrun.store.hold import hold_name


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """`spec` is the spec's path from the project root; `outputs` the folder of this spec's images; `lock` its lock."""

    root: Path
    spec: str
    name: str
    state: Path
    outputs: Path
    lock: Path

    @property
    def ledger(self) -> Path:
        """The record of every attempt."""
        return self.state / "ledger.db"

    @property
    def holds(self) -> Path:
        """The folder of locks that keep applies of one spec apart."""
        return self.state / "holds"

    @property
    def hold(self) -> str:
        """What the hold of this spec is called."""
        return hold_name(self.spec, self.name)

    def blobs(self) -> Blobs:
        """Return the store, staging where only the holder of this spec does."""
        return Blobs(self.state / "store", staging=self.hold)

    def quarantine(self) -> Blobs:
        """Return where bytes that are no image are kept for inspection."""
        return Blobs(self.state / "quarantine", staging=self.hold)


def place_of(plan: Plan, project: Project, lock: Path) -> Place:
    """Return where a plan is applied."""
    return Place(
        root=project.root,
        spec=_spec_name(plan, project),
        name=plan.name,
        state=project.state,
        outputs=project.outputs / plan.name,
        lock=lock,
    )


def rehearsal_of(plan: Plan, project: Project, lock: Path) -> Place:
    """Return where a plan is rehearsed: all below one folder, with a store and ledger of its own."""
    state = project.state / "rehearsal"
    return Place(
        root=project.root,
        spec=_spec_name(plan, project),
        name=plan.name,
        state=state,
        outputs=state / "outputs" / plan.name,
        lock=state / "locks" / lock.name,
    )


def _spec_name(plan: Plan, project: Project) -> str:
    return plan.spec.resolve().relative_to(project.root.resolve()).as_posix()

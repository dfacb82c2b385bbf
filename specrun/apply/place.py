"""Where one apply reads and writes: the project's own places, or a rehearsal's."""

from dataclasses import dataclass
from pathlib import Path

from specrun.model.plan import Plan
from specrun.model.project import Project
from specrun.model.shard import Shard
from specrun.spec.places import check_links, outputs_of
from specrun.store.blobs import Blobs
from specrun.store.hold_name import hold_name
from specrun.store.manifest import FILE_NAME
from specrun.store.parts import part_path


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """`spec` is the spec's path from the project root; `outputs` the folder of this spec's images; `lock` its lock."""

    root: Path
    spec: str
    name: str
    state: Path
    outputs: Path
    lock: Path
    shard: Shard | None = None

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
        return hold_name(self.spec, self.held_as)

    @property
    def held_as(self) -> str:
        """The name under which the spec is held: shards on one machine do not wait for each other."""
        return self.name if self.shard is None else f"{self.name}.{self.shard}"

    @property
    def written_lock(self) -> Path:
        """Where the lock is written: a shard's part, never the lock itself."""
        return self.lock if self.shard is None else part_path(self.lock, self.shard)

    @property
    def written_manifest(self) -> str:
        """The name of the manifest that is written."""
        return FILE_NAME if self.shard is None else part_path(Path(FILE_NAME), self.shard).name

    @property
    def kept(self) -> Path:
        """The folder of what a person changed below outputs, kept aside before anything replaced it."""
        return self.state / "kept" / self.name

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
        outputs=outputs_of(project, plan.name),
        lock=lock,
        shard=plan.shard,
    )


def rehearsal_of(plan: Plan, project: Project, lock: Path) -> Place:
    """Return where a plan is rehearsed: all below one folder, with a store and ledger of its own."""
    state = project.state / "rehearsal"
    check_links(project, state / "outputs", state / "outputs" / plan.name, state / "store", state / "locks")
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

"""What one apply works with from beginning to end."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

from specrun.apply.breaker import Breakers
from specrun.apply.budget import Purse
from specrun.apply.group_writer import GroupWriter
from specrun.apply.inputs import Inputs
from specrun.apply.lock_file import LockFile
from specrun.apply.place import Place
from specrun.apply.results import Done, Held, Result
from specrun.apply.shared import Sharing
from specrun.apply.stop import Stop
from specrun.apply.tally import Tally
from specrun.catalog.models import Catalog
from specrun.catalog.prices import Prices
from specrun.model.inputs import OutputImage
from specrun.model.lock import Lock, LockedOutput
from specrun.model.plan import Plan
from specrun.model.project import Provider
from specrun.provider.client import ImageClient
from specrun.store.blobs import Blobs
from specrun.store.lockfile import check_owner as check_lock_owner
from specrun.store.manifest import FILE_NAME, ImageFacts, read_manifest_sides
from specrun.store.manifest import check_owner as check_manifest_owner
from specrun.store.parts import read_standing


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """The plan and its place, what was found there, and what has come of it so far.

    `providers` maps the name that a run gives to whoever makes its images: itself, or the sandbox in a rehearsal.
    `results` holds what became of each action, by address; `facts` what is known of images, by blob. `lock` is what the
    lock's file held at first, `lock_file` what it holds since. `breakers` count for all of one command.
    """

    plan: Plan
    place: Place
    providers: Mapping[str, Provider]
    catalog: Catalog
    prices: Prices
    client_for: Callable[[Provider], ImageClient]
    purse: Purse
    breakers: Breakers
    tally: Tally
    stop: Stop
    writers: Executor
    group_writer: GroupWriter
    sharing: Sharing | None
    lock: Lock | None
    lock_file: LockFile
    facts: dict[str, ImageFacts]
    results: dict[str, Result] = field(default_factory=dict)

    @property
    def blobs(self) -> Blobs:
        """The store."""
        return self.place.blobs()

    def inputs(self) -> Inputs:
        """Return a reader of the images that runs are made from."""
        return Inputs(self.place, self.place.blobs(), self.upstream)

    def upstream(self, image: OutputImage) -> LockedOutput | None:
        """Return the image that a chained input stands for; None where it was not made."""
        result = self.results.get(image.address)
        outputs = result.outputs if isinstance(result, (Done, Held)) else ()
        return next((output for output in outputs if output.index == image.index), None)


def as_found(place: Place) -> tuple[Lock | None, dict[str, ImageFacts]]:
    """Return the lock and the facts of the manifest that stand at a place; raise where either is another spec's."""
    lock = read_standing(place.lock, place.shard)
    if lock is not None:
        check_lock_owner(lock, place.lock, spec=place.spec, root=place.root)
    facts: dict[str, ImageFacts] = {}
    for name in dict.fromkeys((FILE_NAME, place.written_manifest)):
        for owner, outputs in read_manifest_sides(place.outputs, name):
            check_manifest_owner(owner, place.outputs, spec=place.spec, root=place.root)
            facts |= {output.blob: output.facts for output in outputs}
    return lock, facts

"""What one apply works with from beginning to end."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

from specrun.apply.budget import Purse
from specrun.apply.group_writer import GroupWriter
from specrun.apply.inputs import Inputs
from specrun.apply.money import Prices
from specrun.apply.place import Place
from specrun.apply.results import Done, Held, Result
from specrun.apply.shared import Sharing
from specrun.apply.stop import Stop
from specrun.apply.tally import Tally
from specrun.catalog.models import Catalog
from specrun.model.inputs import OutputImage
from specrun.model.lock import Lock, LockedOutput, LockRow
from specrun.model.plan import Plan
from specrun.model.project import Provider
from specrun.model.run import Price
from specrun.provider.client import ImageClient
from specrun.store.blobs import Blobs
from specrun.store.lockfile import check_owner as check_lock_owner
from specrun.store.manifest import FILE_NAME, ImageFacts, read_manifest_sides
from specrun.store.manifest import check_owner as check_manifest_owner
from specrun.store.parts import read_standing
from specrun.store.seen import Stamp


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """The plan and its place, what was found there, and what has come of it so far.

    `providers` maps the name that a run gives to whoever makes its images: itself, or the sandbox in a rehearsal.
    `prices` are the project's own, by model. `results` holds what became of each action, by address; `facts` what is
    known of images, by blob. `stamp` says what the lock's file was like.
    """

    plan: Plan
    place: Place
    providers: Mapping[str, Provider]
    catalog: Catalog
    prices: Mapping[str, Price]
    client_for: Callable[[Provider], ImageClient]
    purse: Purse
    tally: Tally
    stop: Stop
    writers: Executor
    group_writer: GroupWriter
    sharing: Sharing | None
    stamp: Stamp | None
    lock: Lock | None
    facts: dict[str, ImageFacts]
    results: dict[str, Result] = field(default_factory=dict)

    @property
    def blobs(self) -> Blobs:
        """The store."""
        return self.place.blobs()

    def inputs(self) -> Inputs:
        """Return a reader of the images that runs are made from."""
        return Inputs(self.place, self.place.blobs(), self.upstream)

    def price_of(self, row: LockRow) -> Price | None:
        """Return what one image of a locked run costs: nothing on a free provider, None where nobody knows."""
        return Prices(providers=self.providers, catalog=self.catalog, own=self.prices).of(row)

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

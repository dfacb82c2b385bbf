"""A plan made true: images asked for, kept, delivered, and locked.

The order of writing is the promise: an image is durable in the store before the ledger says so, the ledger before the
lock, the lock before the manifest. So each can be rebuilt from those before it, and a kill at any instant leaves
nothing that the next apply does not find: what the ledger knows as received is delivered without a request, whatever
the lock says.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing

from msgspec.structs import replace

from specrun.apply.ask import Asker
from specrun.apply.breaker import Breakers
from specrun.apply.budget import Purse
from specrun.apply.cut_off import cut_off
from specrun.apply.delivery import Delivery
from specrun.apply.equip import equipped
from specrun.apply.events import Event, Finished, Started
from specrun.apply.group_writer import GroupWriter
from specrun.apply.interrupt import interruptible
from specrun.apply.leave import leave
from specrun.apply.lock_file import LockFile, stamp_of
from specrun.apply.options import ApplyOptions
from specrun.apply.place import Place, place_of, rehearsal_of
from specrun.apply.recover import recover, sweep
from specrun.apply.rehearse import rehearsed
from specrun.apply.results import NotStarted
from specrun.apply.session import Session, as_found
from specrun.apply.shared import Sharing, sharing
from specrun.apply.stop import Stop
from specrun.apply.tally import Tally
from specrun.apply.work import work
from specrun.catalog.models import Catalog
from specrun.catalog.prices import Prices
from specrun.model.lock import Lock
from specrun.model.plan import Plan, Verb
from specrun.model.project import Project, Provider
from specrun.provider.client import ImageClient
from specrun.store.hold import hold
from specrun.store.lockfile import lock_path
from specrun.store.namesakes import alone
from specrun.store.obstacles import check_writable
from specrun.store.shared import SharedStore

# Threads that write images: more than processors, since they mostly wait for the disk.
_WRITERS = 16
_SANDBOX = "sandbox"
_CHANGING = (Verb.CREATE, Verb.REPLACE, Verb.RESTORE, Verb.MOVE)


async def apply(
    plan: Plan,
    project: Project,
    catalog: Catalog,
    client_for: Callable[[Provider], ImageClient],
    options: ApplyOptions,
    watch: Callable[[Event], None],
    shared: SharedStore | None = None,
    breakers: Breakers | None = None,
) -> Finished:
    """Do what a plan says, tell `watch` as it goes, and return what it came to.

    `client_for` makes a client, not yet opened, for a provider; `shared` is the store that a team shares; `breakers`
    are those of plans applied before, where they go together.

    Raises before the first request: `BusyError` where another apply holds the spec, `OverBudgetError`,
    `InvalidInputError` for a lock, manifest or key that cannot be used, `UnwritableError`. Once requests have left,
    what goes wrong is an event, and what arrived is kept.
    """
    lock = lock_path(plan.spec, plan.asked.variant)
    if options.rehearse:
        plan, place = rehearsed(plan), rehearsal_of(plan, project, lock)
    else:
        place = place_of(plan, project, lock)
    check_writable(place.state, place.outputs, place.lock.parent)
    with (
        hold(place.holds, place.spec, place.held_as) as unfinished,
        alone(place.holds, place.hold, place.spec, place.name),
        ThreadPoolExecutor(_WRITERS, thread_name_prefix="writer") as writers,
        closing(GroupWriter()) as group_writer,
        sharing(shared, place) as shared_images,
    ):
        if unfinished:
            sweep(place)
        recover(place, watch)
        session = _begin(
            plan, project, catalog, client_for, options, watch, place, writers, group_writer, shared_images, breakers
        )
        session.purse.check(plan.totals)
        if shared_images is not None:
            session.stop.when_interrupted(shared_images.hurry)
            session.stop.at_once(shared_images.abandon)
        with interruptible(session.stop):
            async with equipped(session) as asker:
                session.tally.emit(_started(session))
                left = await _work_and_leave(session, asker)
            unshared = await _shared(session, left)
        finished = session.tally.finished(interrupted=session.stop.interrupted, unshared=unshared)
        session.tally.emit(finished)
        return finished


def _begin(
    plan: Plan,
    project: Project,
    catalog: Catalog,
    client_for: Callable[[Provider], ImageClient],
    options: ApplyOptions,
    watch: Callable[[Event], None],
    place: Place,
    writers: Executor,
    group_writer: GroupWriter,
    shared_images: Sharing | None,
    breakers: Breakers | None,
) -> Session:
    stamp = stamp_of(place)
    found, facts = as_found(place)
    tally = Tally(watch)
    names = {action.run.provider for action in plan.actions if action.run is not None}
    makers = {name: _maker(project, name, options) for name in names}
    return Session(
        plan=plan,
        place=place,
        providers=makers,
        catalog=catalog,
        prices=Prices(providers={**project.providers, **makers}, catalog=catalog, own=project.prices),
        client_for=client_for,
        purse=Purse(() if options.rehearse else (project.budget, plan.budget, options.budget)),
        breakers=breakers or Breakers(),
        tally=tally,
        stop=Stop(tally.emit, tally.unanswered),
        writers=writers,
        group_writer=group_writer,
        sharing=shared_images,
        lock=found,
        lock_file=LockFile(said=found, stamp=stamp, before=found),
        facts=facts,
    )


def _maker(project: Project, name: str, options: ApplyOptions) -> Provider:
    provider = project.providers[_SANDBOX if options.rehearse else name]
    return provider if options.jobs is None else replace(provider, concurrency=options.jobs)


def _started(session: Session) -> Started:
    totals = session.plan.totals
    return Started(
        spec=session.place.spec,
        name=session.place.name,
        requests=totals.requests,
        images=totals.images,
        cost=totals.cost,
    )


async def _work_and_leave(session: Session, asker: Asker | None) -> Lock:
    delivery = Delivery(session.place, session.blobs, {} if session.lock is None else session.lock.rows)
    working = asyncio.create_task(work(session, asker, delivery))
    session.stop.at_once(working.cancel)
    try:
        await working
    except asyncio.CancelledError:
        if not session.stop.interrupted:
            raise
    finally:
        left = cut_off(session, delivery)
        for action in session.plan.actions:
            if action.run is not None and action.address not in session.results:
                session.tally.add(action.run, left.get(action.address, NotStarted()))
        session.results.update(left)
        # Also when all of it goes wrong: the ledger knows what was received, and the lock should.
        lock = leave(session, delivery)
    return lock


async def _shared(session: Session, lock: Lock) -> int:
    """See that the lock's images are in the shared store; return how many are not."""
    if session.sharing is None or session.sharing.uploads is None:
        return 0
    uploads = session.sharing.uploads
    changed = any(action.verb in _CHANGING for action in session.plan.actions)
    warned = await session.sharing.settle(lock, uploads, session.stop, changed=changed)
    if warned is not None:
        session.tally.emit(warned)
    return uploads.left

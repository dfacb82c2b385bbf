"""Action after action, several at once: images obtained, delivered, and told of."""

import asyncio
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace

from specrun.apply.ask import Asker
from specrun.apply.check import in_the_way
from specrun.apply.checkpoint import checkpoints
from specrun.apply.delivery import Consignment, Delivery, DeliveryError, consigned, done
from specrun.apply.events import How
from specrun.apply.obtain import Obtainer
from specrun.apply.results import Done, Failed, Held, Obtained, Result
from specrun.apply.schedule import Schedule
from specrun.apply.session import Session
from specrun.apply.shelf import Shelf
from specrun.diagnostics import SpecrunError
from specrun.model.lock import LockedOutput
from specrun.model.plan import Action, Verb
from specrun.model.run import Run

# How many images are delivered at once where nothing is asked for.
_DELIVERIES = 8
# How many more runs than may be asked for at once are worked on: for each of these, and at most.
_BEHIND, _MOST_BEHIND = 2, 128


async def work(session: Session, asker: Asker | None, delivery: Delivery) -> None:
    """Do every action of the plan that is not done already; a stop leaves those that have not begun."""
    shelf = Shelf(session.place.outputs, session.blobs, session.writers, session.sharing)
    obtainer = Obtainer(
        results=session.results, inputs=session.inputs(), shelf=shelf, asker=asker, ledger=session.place.ledger
    )
    todo = [action for action in session.plan.actions if not _stands(session, action)]
    for action in todo:
        # Before the first delivery, since it may overwrite what another run has yet to take away.
        if action.origin is not None and action.images:
            shelf.adopt(action.origin)
    workers = max([provider.concurrency for provider in session.providers.values()], default=_DELIVERIES)
    # While some wait for their replies, others are kept and delivered; who wants one at a time gets that.
    workers += min(_BEHIND * (workers - 1), _MOST_BEHIND)
    schedule = Schedule(todo, workers=workers)
    session.stop.whenever(schedule.close)
    try:
        # Where nobody asks, nothing is paid that git should know of before the end.
        async with nullcontext() if asker is None else checkpoints(session, delivery):
            await _Work(session, obtainer, delivery, in_the_way(todo, delivery)).all(schedule, workers)
    finally:
        # What was given to be written is, whatever ends the work.
        session.group_writer.close()


def _stands(session: Session, action: Action) -> bool:
    """Note the result of an action that needs no work; say whether it is such a one."""
    if action.run is None:
        return True
    if action.verb is not Verb.KEEP or action.row is None:
        return False
    row = action.row
    done = Done(
        request_digest=row.request_digest, take=row.take, outputs=row.outputs, how=How.KEPT, stamp=row.provenance
    )
    session.results[action.address] = done
    session.tally.keep()
    return True


class _Work:
    """Works through a schedule; `in_the_way` says of which runs it is known already that they cannot be delivered."""

    def __init__(
        self,
        session: Session,
        obtainer: Obtainer,
        delivery: Delivery,
        in_the_way: Mapping[str, Failed],
    ) -> None:
        self._session = session
        self._inputs = obtainer.inputs
        self._obtainer = obtainer
        self._delivery = delivery
        self._in_the_way = in_the_way

    async def all(self, schedule: Schedule, workers: int) -> None:
        """Work until the schedule is done or closed; what is in flight is finished, whatever else goes wrong."""
        ends = await asyncio.gather(*(self._worker(schedule) for _ in range(workers)), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    async def _worker(self, schedule: Schedule) -> None:
        try:
            while (action := await schedule.next()) is not None:
                if action.run is not None:
                    result = await self._result(action, action.run)
                    self._session.results[action.address] = result
                    self._session.tally.add(action.run, result)
                schedule.finished(action)
        except Exception:
            # A fault of the program itself: let the others finish what they have paid for before it is shown.
            self._session.stop.request("specrun itself failed")
            raise

    async def _result(self, action: Action, run: Run) -> Result:
        if run.address in self._in_the_way:
            return self._in_the_way[run.address]
        try:
            obtained = await self._obtainer.obtain(action, run)
        except SpecrunError as error:
            # The ledger or the store cannot be used: nothing that is asked for now could be kept.
            first = error.diagnostics[0]
            self._session.stop.request(f"{first.summary}: {first.detail}", first.hint)
            return Failed(cause=str(error), hint=first.hint)
        if isinstance(obtained, (Obtained, Held)) and self._session.sharing is not None:
            self._session.sharing.offer(blob for _, blob in obtained.blobs)
        match obtained:
            case Obtained():
                return await self._delivered(run, obtained)
            case Held(blobs=blobs) if blobs:
                return await self._delivered_in_part(run, obtained)
            case _:
                return obtained

    async def _delivered(self, run: Run, obtained: Obtained) -> Done | Failed:
        consignment = consigned(self._session.plan, self._inputs, run, obtained, origin=obtained.origin)
        outputs = await self._deliver(consignment)
        if isinstance(outputs, Failed):
            return replace(outputs, paid=obtained.how is How.REQUESTED)
        return done(obtained, consignment, outputs)

    async def _delivered_in_part(self, run: Run, held: Held) -> Held:
        consignment = consigned(self._session.plan, self._inputs, run, held)
        outputs = await self._deliver(consignment)
        if isinstance(outputs, Failed):
            return replace(held, cause=f"{held.cause}; not delivered: {outputs.cause}")
        return replace(held, outputs=outputs, stamp=consignment.row.provenance)

    async def _deliver(self, consignment: Consignment) -> tuple[LockedOutput, ...] | Failed:
        try:
            return await self._session.group_writer.done(self._delivery, consignment)
        except DeliveryError as error:
            return Failed(cause=str(error), hint=f"{error.hint}, then apply again: the images are in the store")
        except OSError as error:
            return Failed(cause=f"not delivered: {error}", hint="apply again: the images are in the store")
        except SpecrunError as error:
            return Failed(cause=str(error), hint=error.diagnostics[0].hint)

"""The ledger and the clients that an apply needs, opened only where the plan needs them."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from specrun.apply.ask import Asker
from specrun.apply.claims import Claims
from specrun.apply.gate import Gate
from specrun.apply.keep import Keeper
from specrun.apply.observe import Observer
from specrun.apply.receive import Receiver
from specrun.apply.send import Sender
from specrun.apply.session import Session
from specrun.apply.space import Room
from specrun.apply.urls import UrlInputs
from specrun.diagnostics import InvalidInputError
from specrun.model.plan import Verb
from specrun.provider.download import Downloader
from specrun.store.ledger import Ledger
from specrun.store.ledger_view import view_ledger


@asynccontextmanager
async def equipped(session: Session) -> AsyncIterator[Asker | None]:
    """Yield who asks for images, or None where nothing is asked for and nothing held; close it all in the end.

    Raises `InvalidInputError` where an API key is missing, `LedgerError` where the ledger cannot be used.
    """
    place = session.place
    verbs = {action.verb for action in session.plan.actions}
    asking = {run.provider for action in session.plan.actions if action.requested and (run := action.run) is not None}
    if not any(action.asks for action in session.plan.actions) and not (Verb.HELD in verbs and place.ledger.exists()):
        yield None
        return
    async with AsyncExitStack() as stack:
        ledger = stack.enter_context(Ledger(place.ledger, place.holds, session.blobs))
        claims = Claims(
            ledger=ledger,
            blobs=session.blobs,
            horizon=ledger.latest(),
            began=time.time(),
            retry_unknown=session.plan.asked.retry_unknown,
            regenerate_lost=session.plan.asked.regenerate_lost or all(p.free for p in session.providers.values()),
            stop=session.stop,
            emit=session.tally.emit,
        )
        shared = _Shared(session, ledger, Keeper(ledger, session.blobs, place.quarantine()))
        senders = {name: await shared.sender(stack, name) for name in sorted(asking)}
        for name in sorted(_linked(session) - asking):
            # Without its key nothing is fetched, and the run stays held; that is no reason to refuse everything else.
            with suppress(InvalidInputError):
                senders[name] = await shared.sender(stack, name)
        yield Asker(spec=place.spec, hold=place.hold, claims=claims, senders=senders)


def _linked(session: Session) -> set[str]:
    """Return the providers of held runs whose images a reply linked to and nobody has fetched."""
    with view_ledger(session.place.ledger) as ledger:
        linked = ledger.linked(session.place.hold)
    held = (action.run for action in session.plan.actions if action.verb is Verb.HELD and action.run is not None)
    return {run.provider for run in held} if linked else set()


class _Shared:
    """What the senders of one apply have in common."""

    def __init__(self, session: Session, ledger: Ledger, keeper: Keeper) -> None:
        self._session = session
        self._ledger = ledger
        self._keeper = keeper
        self._room = Room(session.place.state, session.place.outputs)
        self._observer = Observer(session.tally.emit)

    async def sender(self, stack: AsyncExitStack, name: str) -> Sender:
        session = self._session
        provider = session.providers[name]
        client = await stack.enter_async_context(session.client_for(provider))
        session.stop.whenever(client.stop)
        gate = Gate(
            breaker=session.breakers.of(name),
            provider=provider,
            client=client,
            spec=session.place.spec,
            stop=session.stop,
            emit=session.tally.emit,
        )
        session.stop.whenever(gate.admit)
        downloader = await stack.enter_async_context(Downloader(provider))
        session.stop.whenever(downloader.hurry)
        models = session.catalog.models
        receiver = Receiver(
            client=client,
            model_of=lambda run: models[run.model],
            ledger=self._ledger,
            blobs=session.blobs,
            quarantine=self._session.place.quarantine(),
            keeper=self._keeper,
            group_writer=session.group_writer,
            stop=session.stop,
            observer=self._observer,
            facts=session.facts,
        )
        return Sender(
            client=client,
            gate=gate,
            receiver=receiver,
            model_of=lambda run: models[run.model],
            ledger=self._ledger,
            inputs=session.inputs(),
            urls=UrlInputs(downloader, session.blobs, session.writers),
            purse=session.purse,
            room=self._room,
            stop=session.stop,
            emit=session.tally.emit,
        )

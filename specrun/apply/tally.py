"""What an apply comes to, counted as it goes."""

from collections.abc import Callable

from specrun.apply.events import Event, Finished, How, Resending, RunBlocked, RunDone, RunFailed, RunHeld, Sent
from specrun.apply.results import Blocked, Done, Failed, Held, NotStarted, Result
from specrun.model.held import HeldRun
from specrun.model.money import Counting, Figures, Sum, answered, held_paid
from specrun.model.run import Price, Run


class Tally:
    """Counts results and requests, and tells whoever watches; `under_way` are the runs whose requests have left.

    What this apply paid for is counted apart from what runs are held for that it did not ask for.
    """

    def __init__(self, watcher: Callable[[Event], None]) -> None:
        self._watcher = watcher
        self.under_way: set[str] = set()
        self._requests = self._made = self._delivered = self._kept = self._not_started = 0
        self._failed: list[str] = []
        self._held: list[str] = []
        self._blocked: list[str] = []
        self._paid, self._earlier = Counting(), Counting()
        self._held_requests: set[tuple[str, int]] = set()

    def emit(self, event: Event) -> None:
        """Pass an event on to whoever watches."""
        match event:
            case Sent(address=address):
                self._requests += 1
                self.under_way.add(address)
            case Resending(address=address):
                self.under_way.discard(address)
            case _:
                pass
        self._watcher(event)

    def unanswered(self) -> int:
        """Return how many requests have left that nothing has come of yet."""
        return len(self.under_way)

    def add(self, run: Run, result: Result) -> None:
        """Count what became of a run, and tell it unless it simply stays as it was."""
        self.under_way.discard(run.address)
        match result:
            case Done():
                self._done(run, result)
            case Held():
                self._hold(run, result)
            case Failed(cause=cause, hint=hint, request_id=request_id, paid=paid):
                self._failed.append(run.address)
                if paid:
                    self._paid.add(answered(run.images, run.images), run.price)
                self.emit(RunFailed(address=run.address, cause=cause, hint=hint, request_id=request_id))
            case Blocked(by=by):
                self._blocked.append(run.address)
                self.emit(RunBlocked(address=run.address, by=by))
            case NotStarted():
                self._not_started += 1

    def keep(self) -> None:
        """Count a run that stays as it is; of these nobody is told one by one."""
        self._kept += 1

    def finished(self, *, interrupted: bool, unshared: int) -> Finished:
        """Return the sum of it all."""
        paid, earlier = self._paid.figures(), self._earlier.figures()
        return Finished(
            requests=self._requests,
            made=self._made,
            delivered=self._delivered,
            kept=self._kept,
            failed=tuple(self._failed),
            held=tuple(self._held),
            blocked=tuple(self._blocked),
            not_started=self._not_started,
            spent=paid.had.prices,
            wasted=paid.lost.prices,
            stake=paid.perhaps.prices,
            unpriced=paid.unpriced,
            wasted_unpriced=paid.lost.unpriced,
            stake_unpriced=paid.perhaps.unpriced,
            earlier=earlier,
            interrupted=interrupted,
            unshared=unshared,
        )

    def _done(self, run: Run, done: Done) -> None:
        if done.how is How.KEPT:
            self._kept += 1
        elif done.how is How.REQUESTED:
            self._made += len(done.outputs)
            self._paid.add(answered(run.images, len(done.outputs)), run.price)
        else:
            self._delivered += 1
        files = tuple(output.path for output in done.outputs)
        self.emit(RunDone(address=run.address, how=done.how, files=files))

    def _hold(self, run: Run, held: Held) -> None:
        self._held.append(run.address)
        if held.asked:
            self._made += len(held.outputs)
        found = _held_run(run, held)
        # Several runs may be held by one request, which was paid for once.
        told = found.request in self._held_requests
        if not told:
            self._held_requests.add(found.request)
            counting = self._paid if held.asked else self._earlier
            counting.add(held_paid(found.state, found.asked, found.came), found.price)
        figures = Figures() if told else found.figures
        self.emit(
            RunHeld(
                address=run.address,
                state=held.state,
                cause=held.cause,
                request_id=held.request_id,
                spent=_only(figures.had),
                wasted=_only(figures.lost),
                stake=_only(figures.perhaps),
                unpriced=figures.unpriced,
                came=found.came,
                free=found.free,
                linked=held.linked,
            )
        )


def _held_run(run: Run, held: Held) -> HeldRun:
    """Return how a run is held; where its request is not the one that the spec wants by now, how it was before."""
    if held.was is not None and held.was.changed:
        return held.was
    return HeldRun(
        state=held.state,
        asked=run.images,
        came=max(len(held.blobs), len(held.outputs)),
        price=run.price,
        request=(held.request_digest or run.address, held.take),
    )


def _only(total: Sum) -> Price | None:
    """Return the money of one run, which has one currency."""
    return next(iter(total.prices), None)

"""What an apply comes to, counted as it goes."""

from collections.abc import Callable
from decimal import Decimal

from specrun.apply.events import Event, Finished, How, Resending, RunBlocked, RunDone, RunFailed, RunHeld, Sent
from specrun.apply.results import Blocked, Done, Failed, Held, NotStarted, Result
from specrun.model.lock import State
from specrun.model.run import Price, Run


class Money:
    """Sums of money by currency, and a count of images whose price nobody knows."""

    def __init__(self) -> None:
        self._sums: dict[str, Decimal] = {}
        self.unpriced = 0

    def add(self, run: Run) -> None:
        """Add what all images of a run cost."""
        if run.price is None:
            self.unpriced += run.images
        else:
            self._sums[run.price.currency] = (
                self._sums.get(run.price.currency, Decimal(0)) + run.price.amount * run.images
            )

    def prices(self) -> tuple[Price, ...]:
        """Return the sums by currency."""
        return tuple(Price(amount=self._sums[currency], currency=currency) for currency in sorted(self._sums))


class Tally:
    """Counts results and requests, and tells whoever watches; `under_way` are the runs whose requests have left."""

    def __init__(self, watcher: Callable[[Event], None]) -> None:
        self._watcher = watcher
        self.under_way: set[str] = set()
        self._requests = self._made = self._delivered = self._kept = self._not_started = 0
        self._failed: list[str] = []
        self._held: list[str] = []
        self._blocked: list[str] = []
        self._spent = Money()
        self._stake = Money()

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
            case Failed(cause=cause, hint=hint, request_id=request_id):
                self._failed.append(run.address)
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
        return Finished(
            requests=self._requests,
            made=self._made,
            delivered=self._delivered,
            kept=self._kept,
            failed=tuple(self._failed),
            held=tuple(self._held),
            blocked=tuple(self._blocked),
            not_started=self._not_started,
            spent=self._spent.prices(),
            stake=self._stake.prices(),
            unpriced=self._spent.unpriced,
            interrupted=interrupted,
            unshared=unshared,
        )

    def _done(self, run: Run, done: Done) -> None:
        if done.how is How.KEPT:
            self._kept += 1
        elif done.how is How.REQUESTED:
            self._made += len(done.outputs)
            self._spent.add(run)
        else:
            self._delivered += 1
        files = tuple(output.path for output in done.outputs)
        self.emit(RunDone(address=run.address, how=done.how, files=files))

    def _hold(self, run: Run, held: Held) -> None:
        self._held.append(run.address)
        if held.asked:
            self._made += len(held.outputs)
        if held.state is State.UNKNOWN:
            self._stake.add(run)
        elif held.asked and held.state is not State.REFUSED:
            self._spent.add(run)
        stake = None if held.state is State.REFUSED else price_of(run)
        self.emit(
            RunHeld(address=run.address, state=held.state, cause=held.cause, request_id=held.request_id, stake=stake)
        )


def price_of(run: Run) -> Price | None:
    """Return what all images of a run cost, None where nobody knows."""
    price = run.price
    return None if price is None else Price(amount=price.amount * run.images, currency=price.currency)

"""What an apply tells, for people: what was made, what went wrong, what it came to."""

from collections.abc import Iterator

from specrun.apply.events import (
    Event,
    Finished,
    How,
    Recovered,
    RunBlocked,
    RunDone,
    RunFailed,
    RunHeld,
    Started,
    Stopping,
    Waiting,
    Warned,
)
from specrun.diagnostics import Diagnostic, Severity
from specrun.model.held import Place, held_steps
from specrun.model.lock import State
from specrun.model.run import Price
from specrun.report import inert
from specrun.report.money_text import at_stake, came_to, money_lines
from specrun.report.words import count, money

_FIRST = {
    State.UNKNOWN: "ask the provider whether it was billed",
    State.UNUSABLE: "what came is kept in .specrun/quarantine",
    State.REFUSED: "change the prompt or the images, since the same request is not sent again",
}
# For messages about no spec in particular.
_ANYWHERE = Place()
_DONE = {
    How.REQUESTED: "made",
    How.SHARED: "shared",
    How.RESTORED: "restored",
    How.REPLACED: "replaced",
    How.MOVED: "moved",
}


def result(event: Event) -> str:
    """Return the line that a run's images are worth, empty for other events and for runs that stay as they are."""
    match event:
        case RunDone(how=how, files=files) if how in _DONE:
            return inert.line(f"{_DONE[how]:<8}  {event.address}: {', '.join(files)}")
        case _:
            return ""


def progress(event: Event) -> str:
    """Return a line about how things go, empty for events that are told elsewhere."""
    match event:
        case Started():
            return inert.line(f"{event.name}: {_asks(event)}")
        case Recovered():
            return f"recovered from an apply that ended early: {_recovered(event)}"
        case Waiting():
            return inert.line(f"waiting   {event.address}: {event.spec} asks for the same")
        case _:
            return ""


def trouble(event: Event) -> Diagnostic | None:
    """Return what is wrong with a run or with the whole apply, None for events without trouble."""
    match event:
        case RunHeld():
            figures = came_to(event.figures)
            detail = f"{event.address}: {event.cause}{request(event.request_id)}{f'; {figures}' if figures else ''}"
            return Diagnostic(summary=f"held as {event.state.value}", detail=detail, hint=held_hint(event))
        case RunFailed():
            detail = f"{event.address}: {event.cause}{request(event.request_id)}"
            return Diagnostic(summary="not made", detail=detail, hint=event.hint)
        case RunBlocked():
            return Diagnostic(summary="blocked", detail=f"{event.address} needs {event.by}, which has no image")
        case Stopping():
            severity = Severity.WARNING if event.interrupted else Severity.ERROR
            return Diagnostic(summary="stopping", detail=event.cause, hint=event.hint, severity=severity)
        case Warned():
            return event.diagnostic
        case _:
            return None


def summary(event: Finished, folder: str) -> Iterator[str]:
    """Return the lines that end an apply: what it came to, the money, and the folder of the images."""
    counts = (
        (event.made, f"{count(event.made, 'image')} made"),
        (event.delivered, f"{count(event.delivered, 'run')} delivered without a request"),
        (event.kept, f"{count(event.kept, 'run')} kept"),
        (len(event.failed), f"{len(event.failed):,} failed"),
        (len(event.held), f"{len(event.held):,} held"),
        (len(event.blocked), f"{len(event.blocked):,} blocked"),
        (event.not_started, f"{event.not_started:,} not started"),
        (event.unshared, f"{event.unshared:,} not shared"),
    )
    title = "Interrupted" if event.interrupted else "Not all done" if event.exit_code else "Done"
    yield f"{title}: {', '.join(phrase for number, phrase in counts if number) or 'nothing to do'}."
    yield f"Requests: {event.requests:,}."
    yield from money_lines(event.figures)
    if earlier := "; ".join(at_stake(event.earlier)):
        yield f"At stake in runs held before: {earlier}."
    if event.made or event.delivered or event.kept:
        yield f"Images: {inert.line(folder)}"


def held_hint(event: RunHeld, place: Place = _ANYWHERE) -> str:
    """Return what to do about a run that is held: the same text for all that are held alike in a `place`."""
    first = _FIRST.get(event.state, "")
    if event.state is State.PARTIAL:
        kept = "the images that came are kept" if event.came else ""
        again = "the next apply looks again, for nothing, for what could not be fetched" if event.linked else ""
        first = "; ".join(filter(None, (kept, again)))
    elif event.state is State.UNKNOWN and event.free:
        first = ""
    steps = held_steps(event.state, place, came=event.came, free=event.free)
    ways = [f"{step.when}: `{step.command}`" for step in steps]
    return "; ".join(filter(None, (first, *ways)))


def _asks(event: Started) -> str:
    if not event.requests:
        return "no request to send"
    cost = _sum(event.cost)
    return f"{count(event.requests, 'request')} for {count(event.images, 'image')}{f', {cost}' if cost else ''}"


def _recovered(event: Recovered) -> str:
    counts = ((event.received, "received"), (event.unknown, "unknown"), (event.unsent, "never sent"))
    return ", ".join(f"{len(addresses):,} {what}" for addresses, what in counts if addresses)


def request(identifier: str) -> str:
    """Return a server's name for a request, to stand after what it is about."""
    return f" (request {identifier})" if identifier else ""


def _sum(prices: tuple[Price, ...]) -> str:
    return ", ".join(money(price) for price in prices if price.amount)

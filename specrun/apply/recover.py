"""What an apply that was killed left behind, found again before anything new is asked for."""

from collections.abc import Callable

from specrun.apply.events import Event, Recovered
from specrun.apply.place import Place
from specrun.atomic import remove_leftovers
from specrun.store.ledger import Ledger
from specrun.store.ledger_view import view_ledger


def sweep(place: Place) -> None:
    """Remove the temporary files that a killed apply of this spec left among the user's."""
    if place.shard is None:
        # Other shards of the spec may be delivering to the same folder at this moment.
        remove_leftovers(place.outputs.rglob(".*"))
    remove_leftovers(place.lock.parent.glob(f".{place.written_lock.name}.*"))


def recover(place: Place, emit: Callable[[Event], None]) -> None:
    """Settle the attempts that the last holder of this spec left open, and say what became of them.

    Images that it had staged whole are taken into the store first, since they decide about the attempts.
    """
    blobs = place.blobs()
    blobs.adopt()
    place.quarantine().adopt()
    with view_ledger(place.ledger) as view:
        left_open = view.left_open(place.hold)
    if not left_open:
        return
    with Ledger(place.ledger, place.holds, blobs) as ledger:
        found = ledger.recover(place.hold)
    emit(
        Recovered(
            received=tuple(attempt.intent.address for attempt in found.received),
            unknown=tuple(attempt.intent.address for attempt in found.unknown),
            unsent=tuple(attempt.intent.address for attempt in found.unsent),
        )
    )

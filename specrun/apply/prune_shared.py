"""Images of the shared store that no lock counts any more, removed so that nobody is misled about what is there."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from specrun.store.shared import SharedStore, StoredImage
from specrun.store.shared_record import SharedRecord, begun, ended
from specrun.store.tries import SharedStoreError


@dataclass(frozen=True, kw_only=True, slots=True)
class Removed:
    """What went; `left` is what should have gone and did not, `fault` why, where the store said so."""

    images: int
    left: int
    fault: SharedStoreError | None


def uncounted(
    store: SharedStore, counted: Collection[str], older: timedelta, now: datetime | None = None
) -> Iterator[StoredImage]:
    """Yield the images that are not `counted` and are older than this; lists the store, raises `SharedStoreError`.

    What was put there lately may be named by a lock that nobody has pushed yet; so may what the service gives no date.
    """
    limit = (now or datetime.now(UTC)) - older
    for image in store.all():
        if image.blob not in counted and image.since is not None and image.since <= limit:
            yield image


def remove_shared(
    store: SharedStore, record: SharedRecord, chosen: Sequence[StoredImage], counted: Collection[str], older: timedelta
) -> Removed:
    """Remove those of the chosen images for which it is still right to; raises `SharedStoreError` before any has gone.

    Each machine believes what it knows of the store until it sees the mark of a removal there. One is left before the
    first image goes, and counts as a removal under way until another is left after the last; so at no instant, also
    after a kill, does a record name a missing image and pass for true. A rerun goes on from wherever one broke off.
    """
    mark = begun()
    now = store.mark(mark)
    record.forget(mark)
    # Time has passed since the question was asked, and ages are told by the clock of the service, not by ours.
    still = {image.blob for image in uncounted(store, counted, older, now)}
    wanted = [image.blob for image in chosen if image.blob in still]
    fault = None
    try:
        store.remove(wanted)
        mark = ended()
        store.mark(mark)
        record.forget(mark)
    except SharedStoreError as error:
        fault = error
    left = _left(store, wanted)
    return Removed(images=len(wanted) - len(left), left=len(left), fault=fault)


def broken_off(store: SharedStore) -> bool:
    """Say whether a removal began and has not ended."""
    return store.marked().startswith("begun")


def _left(store: SharedStore, wanted: Sequence[str]) -> set[str]:
    """Return which images are still there; all of them, where the store does not say."""
    try:
        return set(wanted) & {image.blob for image in store.all()}
    except SharedStoreError:
        return set(wanted)

"""What replies brought, put into store and ledger: many replies at once, each step durable before the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from specrun.store.attempts import Ending, StoredImage
from specrun.store.blobs import Blobs
from specrun.store.ledger import Ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """What one reply brought, and what its attempt comes to once all of it is kept.

    `images` are those that the ledger lists, `whole` the bytes of those that are not stored yet, by digest, and
    `broken` bytes that are no image.
    """

    attempt: int
    images: Sequence[StoredImage]
    whole: Mapping[str, bytes] = field(repr=False)
    broken: Mapping[str, bytes] = field(repr=False)
    ending: Ending


class Keeper:
    """Keeps what came; bytes that are no image go into `quarantine`."""

    def __init__(self, ledger: Ledger, blobs: Blobs, quarantine: Blobs) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._quarantine = quarantine

    def keep_all(self, parcels: Sequence[Parcel]) -> list[OSError | None]:
        """Keep parcels, durably once this returns; return what kept each from it. Raises `LedgerError`."""
        self._ledger.arrived([(parcel.attempt, parcel.images) for parcel in parcels if parcel.images])
        stored = self._blobs.put_groups([parcel.whole for parcel in parcels])
        put_aside = self._quarantine.put_groups([parcel.broken for parcel in parcels])
        errors = [one or other for one, other in zip(stored, put_aside, strict=True)]
        kept = [parcel for parcel, error in zip(parcels, errors, strict=True) if error is None]
        self._ledger.ended_all([(parcel.attempt, parcel.ending) for parcel in kept])
        return errors

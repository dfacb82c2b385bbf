"""What replies brought, put into store and ledger: many replies at once, each step durable before the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from specrun.apply.group_writer import Draft
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
    """Has parcels kept; bytes that are no image go into `quarantine`."""

    def __init__(self, ledger: Ledger, blobs: Blobs, quarantine: Blobs) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._quarantine = quarantine

    def drafts(self, parcels: Sequence[Parcel]) -> list[Draft[Parcel] | Exception]:
        """Write down what arrived, and return the files to be stored. Raises `LedgerError`."""
        self._ledger.arrived([(parcel.attempt, parcel.images) for parcel in parcels if parcel.images])
        return [self._draft(parcel) for parcel in parcels]

    def written(self, parcels: Sequence[Parcel]) -> None:
        """Put aside what is no image, and write down what the attempts came to. Raises `OSError`, `LedgerError`."""
        broken = [data for parcel in parcels for data in parcel.broken.values()]
        if broken:
            self._quarantine.put_all(broken)
        self._ledger.ended_all([(parcel.attempt, parcel.ending) for parcel in parcels])

    def _draft(self, parcel: Parcel) -> Draft[Parcel] | Exception:
        try:
            return Draft(writes=self._blobs.writes(parcel.whole), result=parcel)
        except OSError as error:
            return error

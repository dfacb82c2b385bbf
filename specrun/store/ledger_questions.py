"""What those who only read ask a ledger, answered as where there is none."""

from collections.abc import Iterable, Mapping

from specrun.store.attempts import Attempt
from specrun.store.manifest import ImageFacts
from specrun.store.standing import Standing


class LedgerView:
    """The ledger as planning and showing see it: read-only, and this one empty."""

    exists = False

    def standings(self, _wanted: Mapping[str, int], /) -> Mapping[str, Standing]:
        """Return what stands for each request digest at the take wanted; digests nobody asked for are left out."""
        return {}

    def attempts(self, _address: str, /) -> tuple[Attempt, ...]:
        """Return all attempts for an address, oldest first."""
        return ()

    def history(self, _spec: str, /) -> tuple[Attempt, ...]:
        """Return all attempts for a spec under all its names, oldest first."""
        return ()

    def left_open(self, _hold: str, /) -> bool:
        """Say whether an apply with this hold has attempts that have not ended."""
        return False

    def linked(self, _hold: str, /) -> bool:
        """Say whether replies to applies with this hold linked to images that nobody has fetched."""
        return False

    def facts(self, _blobs: Iterable[str], /) -> Mapping[str, ImageFacts]:
        """Return what is known of these blobs."""
        return {}

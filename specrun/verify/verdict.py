"""What came of asking again for what is locked."""

from enum import Enum
from pathlib import Path

import msgspec

from specrun.model.lock import LockRow
from specrun.verify.likeness import Comparison, Likeness


class Verdict(Enum):
    """How an image came out the second time, the most alike first."""

    IDENTICAL = "identical"
    SAME_PIXELS = "same pixels"
    NEAR = "near"
    DIFFERENT = "different"
    UNVERIFIABLE = "unverifiable"

    @property
    def same(self) -> bool:
        """Whether nobody could tell the two apart."""
        return self in (Verdict.IDENTICAL, Verdict.SAME_PIXELS)


_VERDICTS = {
    Likeness.IDENTICAL: Verdict.IDENTICAL,
    Likeness.SAME_PICTURE: Verdict.SAME_PIXELS,
    Likeness.SAME_PIXELS: Verdict.SAME_PIXELS,
    Likeness.NEAR: Verdict.NEAR,
    Likeness.DIFFERENT: Verdict.DIFFERENT,
}


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One image beside what came this time: `path` in the scratch area and `blob` are the new one's."""

    index: int
    original: str
    path: Path
    blob: str
    width: int
    height: int
    comparison: Comparison

    @property
    def verdict(self) -> Verdict:
        """How alike the two are."""
        return _VERDICTS[self.comparison.likeness]


class Reproduction(msgspec.Struct, frozen=True, kw_only=True):
    """One run asked again; `reason` says why it is unverifiable, `failed` that the server gave no images this time."""

    row: LockRow
    pairs: tuple[Pair, ...] = ()
    reason: str = ""
    failed: bool = False

    @property
    def verdict(self) -> Verdict:
        """The verdict on the image that came out least alike."""
        if self.reason or not self.pairs:
            return Verdict.UNVERIFIABLE
        order = list(Verdict)
        return max((pair.verdict for pair in self.pairs), key=order.index)

    @property
    def distance(self) -> float | None:
        """The largest distance of any image; None where one has another size, or there is none."""
        distances = [pair.comparison.distance for pair in self.pairs]
        known = [distance for distance in distances if distance is not None]
        return max(known) if known and len(known) == len(distances) else None

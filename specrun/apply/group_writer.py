"""Files written while an apply works: replies into the store, images to their paths, all that waits at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from specrun.batches import Batches
from specrun.group_write import Write, write_all

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft(Generic[R]):
    """Files to be written for one item, all or none of them, and what came of the item once they are."""

    writes: Sequence[Write]
    result: R


class Source(Protocol[T_contra, R]):
    """Who has files written, for many items at a time."""

    def drafts(self, items: Sequence[T_contra]) -> Sequence[Draft[R] | Exception]:
        """Return what is to be written for each item, or why nothing can be."""

    def written(self, results: Sequence[R]) -> None:
        """Do what is to be done once files are on the disk: those of the drafts with these results."""


class GroupWriter:
    """Writes for several sources in one thread, with one round of syncs for all that waits.

    Not a thread for each: writing a file takes many short steps, each of which lets go of the interpreter, and threads
    that take such steps beside each other wake each other more than they work.
    """

    def __init__(self) -> None:
        self._batches: Batches[tuple[Source[Any, Any], Any], Any] = Batches(self._write, name="group writer", most=128)

    def close(self) -> None:
        """Write what was given until now; nothing may be given any more."""
        self._batches.close()

    async def done(self, source: Source[T, R], item: T) -> R:
        """Have an item's files written, durably, and return what came of it."""
        result: R = await self._batches.done((source, item))
        return result

    def _write(self, batch: Sequence[tuple[Source[Any, Any], Any]]) -> list[Any]:
        places: dict[Source[Any, Any], list[int]] = {}
        for place, (source, _) in enumerate(batch):
            places.setdefault(source, []).append(place)
        found: list[Draft[Any] | Exception | None] = [None] * len(batch)
        for source, those in places.items():
            for place, draft in zip(those, _drafts(source, [batch[place][1] for place in those]), strict=True):
                found[place] = draft
        ready = [(place, draft) for place, draft in enumerate(found) if isinstance(draft, Draft)]
        errors = write_all([draft.writes for _, draft in ready])
        for (place, _), error in zip(ready, errors, strict=True):
            found[place] = error or found[place]
        for source, those in places.items():
            _settle(source, found, those)
        return [each.result if isinstance(each, Draft) else each for each in found]


def _drafts(source: Source[T, R], items: Sequence[T]) -> Sequence[Draft[R] | Exception]:
    try:
        return source.drafts(items)
    except Exception as error:  # noqa: BLE001 (it is this source's, and must not keep the others from writing)
        return [error] * len(items)


def _settle(source: Source[Any, Any], found: list[Draft[Any] | Exception | None], places: Sequence[int]) -> None:
    """Tell a source what is written; where it fails, so do these items."""
    written = [(place, draft) for place in places if isinstance(draft := found[place], Draft)]
    try:
        source.written([draft.result for _, draft in written])
    except Exception as error:  # noqa: BLE001 (as above)
        for place, _ in written:
            found[place] = error

"""The shared store by hand: all images of a lock put there, or brought here."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum

from specrun.diagnostics import Diagnostic
from specrun.store.blobs import Blobs
from specrun.store.shared import SharedStore
from specrun.store.shared_record import SharedRecord
from specrun.store.tries import SharedStoreError

_AT_ONCE = 8


class Way(Enum):
    """What became of one image."""

    MOVED = "moved"
    THERE = "there"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchanged:
    """How many images were moved, how many were there already, and what is wrong with each of the others."""

    moved: int
    there: int
    faults: tuple[Diagnostic, ...]


def push(
    blobs: Iterable[str], read: Callable[[str], bytes | None], store: SharedStore, record: SharedRecord
) -> Exchanged:
    """Put images into the shared store, those that stand there damaged included.

    `read` returns an image's bytes, None where this machine has none; then it is enough that the store has some.
    """
    record.heed(store)

    def one(blob: str) -> Way:
        data = read(blob)
        if data is not None:
            moved = store.ensure(blob, data)
            record.add(blob)
            return Way.MOVED if moved else Way.THERE
        if store.has(blob):
            return Way.THERE
        hint = "push it from the machine that made it"
        raise SharedStoreError(f"{blob} is neither on this machine nor in {store.url}", hint, gone=True)

    return _each(blobs, one, store, "image not pushed")


def pull(blobs: Iterable[str], local: Blobs, store: SharedStore, record: SharedRecord) -> Exchanged:
    """Bring images into the local store; each is what its digest says, or does not come in."""
    record.heed(store)

    def one(blob: str) -> Way:
        if local.has(blob):
            return Way.THERE
        local.put(store.fetch(blob))
        record.add(blob)
        return Way.MOVED

    return _each(blobs, one, store, "image not pulled")


def _each(blobs: Iterable[str], one: Callable[[str], Way], store: SharedStore, summary: str) -> Exchanged:
    def tried(blob: str) -> tuple[Way, Diagnostic | None]:
        try:
            return one(blob), None
        except SharedStoreError as error:
            return Way.FAILED, Diagnostic(summary=summary, detail=str(error), hint=error.hint)

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="exchange") as threads:
        try:
            found = list(threads.map(tried, dict.fromkeys(blobs)))
        except KeyboardInterrupt:
            store.abandon()
            threads.shutdown(cancel_futures=True)
            raise
    ways = [way for way, _ in found]
    return Exchanged(
        moved=ways.count(Way.MOVED),
        there=ways.count(Way.THERE),
        faults=tuple(fault for _, fault in found if fault is not None),
    )

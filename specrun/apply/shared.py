"""One apply's part in a shared store: images had from it, and images put there."""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from specrun.apply.events import Warned
from specrun.apply.place import Place
from specrun.apply.stop import Stop
from specrun.apply.uploads import Uploads
from specrun.diagnostics import Diagnostic, Severity
from specrun.model.lock import Lock
from specrun.store.blobs import Blobs
from specrun.store.shared import SharedStore
from specrun.store.shared_record import SharedRecord
from specrun.store.tries import SharedStoreError


@dataclass(frozen=True, kw_only=True, slots=True)
class Sharing:
    """A shared store beside the local one; `uploads` is None where nothing is put there."""

    store: SharedStore
    record: SharedRecord
    blobs: Blobs
    uploads: Uploads | None

    def bring(self, blob: str) -> SharedStoreError | None:
        """Bring an image into the local store, durably; return why it could not be."""
        self.record.heed(self.store)
        try:
            data = self.store.fetch(blob)
        except SharedStoreError as error:
            return error
        self.blobs.put(data)
        self.record.add(blob)
        return None

    def offer(self, blobs: Iterable[str]) -> None:
        """Have images put there in the background."""
        if self.uploads is not None:
            self.uploads.offer(blobs)

    def hurry(self) -> None:
        """Begin no more uploads, and try nothing again: what is on its way arrives, or does not."""
        if self.uploads is not None:
            self.uploads.hurry()
        self.store.hurry()

    def abandon(self) -> None:
        """Wait for nothing that comes from the store or goes there."""
        self.hurry()
        self.store.abandon()

    async def settle(self, lock: Lock, uploads: Uploads, stop: Stop, *, changed: bool) -> Warned | None:
        """Put there whatever the lock names that is not known to be; say what could not be.

        Where nothing `changed`, what was known counts, so that an apply with nothing to do asks nobody.
        """
        if not stop.interrupted:
            if changed:
                await asyncio.to_thread(self.record.heed, self.store)
            uploads.offer(output.blob for row in lock.rows.values() for output in row.outputs)
        await uploads.finish()
        if not uploads.left:
            return None
        why = next(iter(uploads.failed.values()), "the apply was interrupted before their turn")
        diagnostic = Diagnostic(
            summary="images not shared",
            detail=f"{uploads.left} of the lock's images are here and not in {self.store.url}: {why}",
            hint="the next apply uploads them, or `specrun push SPEC` does",
            severity=Severity.WARNING if stop.interrupted else Severity.ERROR,
        )
        return Warned(job="", diagnostic=diagnostic)


@contextlib.contextmanager
def sharing(store: SharedStore | None, place: Place) -> Iterator[Sharing | None]:
    """Give an apply's part in a shared store, None where there is none; its threads end with it."""
    if store is None:
        yield None
        return
    record, blobs = SharedRecord(place.state, store.url), place.blobs()
    uploads = Uploads(store, record, blobs) if store.writable else None
    try:
        yield Sharing(store=store, record=record, blobs=blobs, uploads=uploads)
    finally:
        if uploads is not None:
            uploads.close()

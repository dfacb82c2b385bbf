"""Images on their way to the shared store: in the background, a few at a time, never before they are safe here.

What has been put there is written down; what an apply did not come to, the next one or `push` finds in the lock.
"""

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from specrun.diagnostics import SpecrunError
from specrun.store.blobs import Blobs
from specrun.store.shared import SharedStore
from specrun.store.shared_record import SharedRecord
from specrun.store.tries import SharedStoreError

# Each holds one image in memory.
_AT_ONCE = 4


class Uploads:
    """Puts images into a shared store; `failed` says why some could not be, by digest."""

    def __init__(self, shared: SharedStore, record: SharedRecord, blobs: Blobs) -> None:
        self._shared = shared
        self._record = record
        self._blobs = blobs
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="uploader")
        self._under_way: dict[str, Future[None]] = {}
        self._hurried = False
        self.failed: dict[str, str] = {}

    def offer(self, blobs: Iterable[str]) -> None:
        """Have images put there that are durable here, unless they are known to be there or on their way."""
        for blob in () if self._hurried else blobs:
            if blob not in self._under_way and blob not in self._record and self._blobs.has(blob):
                self._under_way[blob] = self._threads.submit(self._upload, blob)

    def hurry(self) -> None:
        """Begin no more; what is on its way arrives."""
        self._hurried = True
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def finish(self) -> None:
        """Wait until all that was offered is there, has failed, or was given up by `hurry`."""
        waiting = [asyncio.wrap_future(future) for future in self._under_way.values() if not future.cancelled()]
        await asyncio.gather(*waiting, return_exceptions=True)

    @property
    def left(self) -> int:
        """How many of the images offered are not known to be there."""
        return sum(blob not in self._record for blob in self._under_way)

    def close(self) -> None:
        """Let go of the threads, once those at work have ended."""
        self._threads.shutdown(cancel_futures=True)

    def _upload(self, blob: str) -> None:
        try:
            self._record.heed(self._shared)
            self._shared.ensure(blob, self._blobs.read(blob))
            self._record.add(blob)
        except SharedStoreError as error:
            self.failed[blob] = f"{error}; {error.hint}"
        except (OSError, SpecrunError) as error:
            self.failed[blob] = str(error)

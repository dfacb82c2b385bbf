"""The store that a team shares: images by their digest in a bucket, believed only where their bytes agree."""

import asyncio
import contextlib
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import msgspec

from specrun.canonical import digest
from specrun.store.object_facts import agrees, since
from specrun.store.tries import PAUSES, RefusedError, SharedStoreError, Tries

# What stands in the bucket beside the images, so that everyone learns that some have been removed.
_MARK = "pruned"
_NAME = re.compile(r"([0-9a-f]{2})/([0-9a-f]{62})")
# Objects that one request removes; more S3 does not take.
_BATCH = 1000
# Seconds between one cut and the next, where a store is abandoned.
_CUT = 0.1


class Objects(Protocol):
    """What is asked of a bucket: whole objects and facts about one. Only a removal lists them."""

    def cat_file(self, path: str) -> bytes:
        """Return an object's bytes; raise `FileNotFoundError` where there is none."""

    def pipe_file(self, path: str, value: bytes) -> object:
        """Write an object."""

    def info(self, path: str) -> Mapping[str, Any]:
        """Return an object's `size` and whatever checksum its service keeps; raise `FileNotFoundError`."""

    def find(self, path: str, *, detail: bool) -> Mapping[str, Mapping[str, Any]]:
        """Return all objects below a path, each with what `info` says of it."""

    def rm(self, path: list[str]) -> object:
        """Remove objects; those that are not there are no fault, or raise `FileNotFoundError`."""


class StoredImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image in the bucket: its size in bytes, and when it was put there, None where the service does not say."""

    blob: str
    size: int
    since: datetime | None


class SharedStore:
    """Objects named by the SHA-256 of their content, at `<root>/ab/cdef…` as in the local store.

    `faults` are the exceptions of the service's client, `pauses` the seconds before each further try. Safe to use from
    several threads. All methods raise `SharedStoreError`.
    """

    def __init__(
        self,
        objects: Objects,
        root: str,
        *,
        url: str,
        writable: bool,
        faults: tuple[type[Exception], ...],
        pauses: tuple[float, ...] = PAUSES,
    ) -> None:
        self.url = url
        self.writable = writable
        self._objects = objects
        self._root = root.rstrip("/")
        self._tried = Tries(url, faults, pauses)

    def fetch(self, blob: str) -> bytes:
        """Return an image's bytes, which are what their name says."""
        path = self._path(blob)
        for _ in range(2):  # a body that was cut short on its way comes whole the second time
            try:
                data = self._tried(lambda: self._objects.cat_file(path))
            except FileNotFoundError:
                cause = f"{self.url} does not have {blob}"
                hint = "whoever made it uploads it with `specrun push SPEC`; or --regenerate-lost asks (and pays) again"
                raise SharedStoreError(cause, hint, gone=True) from None
            if digest(data) == blob:
                return data
        cause = f"{self.url} holds something else in the place of {blob}; it was refused"
        hint = "whoever has the image replaces it with `specrun push SPEC`; or --regenerate-lost asks (and pays) again"
        raise SharedStoreError(cause, hint, gone=True)

    def ensure(self, blob: str, data: bytes) -> bool:
        """Put an image there unless it stands there whole; say whether it was put."""
        path = self._path(blob)
        if self._stands(path, blob, data):
            return False
        self._put(path, data)
        return True

    def has(self, blob: str) -> bool:
        """Say whether there is an object of this name, whatever it holds."""
        try:
            self._tried(lambda: self._objects.info(self._path(blob)))
        except FileNotFoundError:
            return False
        return True

    def all(self) -> Iterator[StoredImage]:
        """Yield every image, whatever its object holds; what else stands in the bucket is passed over."""
        try:
            found = self._tried(lambda: self._objects.find(self._root, detail=True))
        except FileNotFoundError:
            return
        for path, info in sorted(found.items()):
            name = _NAME.fullmatch(path.removeprefix(f"{self._root}/"))
            if name is not None:
                yield StoredImage(blob=f"sha256:{name[1]}{name[2]}", size=int(info.get("size") or 0), since=since(info))

    def remove(self, blobs: Sequence[str]) -> None:
        """Remove images, many with one request. Not every service says which it kept; `all` tells."""
        paths = [self._path(blob) for blob in blobs]
        for start in range(0, len(paths), _BATCH):
            with contextlib.suppress(FileNotFoundError):
                self._tried(partial(self._objects.rm, paths[start : start + _BATCH]))

    def mark(self, text: str) -> datetime | None:
        """Leave a word for everyone about a removal; return when that was by the service's own clock."""
        path = f"{self._root}/{_MARK}"
        self._put(path, text.encode())
        return since(self._tried(lambda: self._objects.info(path)))

    def marked(self) -> str:
        """Return the word that the last removal left, empty where there was none."""
        try:
            return self._tried(lambda: self._objects.cat_file(f"{self._root}/{_MARK}")).decode("ascii", "replace")
        except FileNotFoundError:
            return ""

    def hurry(self) -> None:
        """Try nothing again that fails from now on."""
        self._tried.hurry()

    def abandon(self) -> None:
        """Wait for nothing any longer: whoever does gets a `SharedStoreError`, at once or when a folder answers."""
        self._tried.abandon()
        # Clients of fsspec wait on a loop that they share, in a thread of its own.
        loop: asyncio.AbstractEventLoop | None = getattr(self._objects, "loop", None)
        if loop is not None:
            loop.call_soon_threadsafe(self._cut_off, loop)

    def _cut_off(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancel what runs on the loop, until nobody waits there: some are about to, and some clients try again."""
        if self._tried.busy:
            for task in asyncio.all_tasks(loop):
                work = task.get_coro()
                # What is cancelled before its first step never tells whoever waits for it.
                if inspect.iscoroutine(work) and inspect.getcoroutinestate(work) != inspect.CORO_CREATED:
                    task.cancel()
            loop.call_later(_CUT, self._cut_off, loop)

    def _stands(self, path: str, blob: str, data: bytes) -> bool:
        try:
            info = self._tried(lambda: self._objects.info(path))
            if info.get("size") != len(data):
                return False
            # Where the service encrypts, what looks like an MD5 may be none.
            return agrees(info, data) or digest(self._tried(lambda: self._objects.cat_file(path))) == blob
        except (FileNotFoundError, RefusedError):
            # Who may write but not list is refused where there is nothing.
            return False

    def _put(self, path: str, data: bytes) -> None:
        try:
            self._tried(lambda: self._objects.pipe_file(path, data))
        except FileNotFoundError as error:
            cause = f"{self.url} takes nothing: {error}"
            raise SharedStoreError(cause, "make the bucket, or correct `store.url` in specrun.yaml") from error

    def _path(self, blob: str) -> str:
        name = blob.removeprefix("sha256:")
        return f"{self._root}/{name[:2]}/{name[2:]}"

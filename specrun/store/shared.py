"""The store that a team shares: images by their digest in a bucket, believed only where their bytes agree."""

import base64
import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from specrun.canonical import digest

T = TypeVar("T")

# Seconds before each further try. After that the store counts as out of reach, for this object.
PAUSES = (0.25, 0.75, 2.25)
# How many objects in a row may be out of reach before the rest are tried once only.
_PATIENCE = 3


class SharedStoreError(Exception):
    """An image that could not be had from the shared store, or put there; `hint` says what to do.

    `gone` is set where trying later cannot help: the store lacks it, or holds something else in its place.
    """

    def __init__(self, cause: str, hint: str, *, gone: bool = False) -> None:
        super().__init__(cause)
        self.hint = hint
        self.gone = gone


class RefusedError(SharedStoreError):
    """Access that the store's owner does not allow."""


class Objects(Protocol):
    """What is asked of a bucket: whole objects and facts about one; nothing is ever listed or deleted."""

    def cat_file(self, path: str) -> bytes:
        """Return an object's bytes; raise `FileNotFoundError` where there is none."""

    def pipe_file(self, path: str, value: bytes) -> object:
        """Write an object."""

    def info(self, path: str) -> Mapping[str, Any]:
        """Return an object's `size` and whatever checksum its service keeps; raise `FileNotFoundError`."""


class SharedStore:
    """Objects named by the SHA-256 of their content, at `<root>/ab/cdef…` as in the local store.

    `faults` are the exceptions of the service's client, `pauses` the seconds before each further try. Safe to use from
    several threads.
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
        self._faults = faults
        self._pauses = pauses
        self._out_of_reach = 0
        self._counting = threading.Lock()

    def fetch(self, blob: str) -> bytes:
        """Return an image's bytes, which are what their name says; raise `SharedStoreError`."""
        path = self._path(blob)
        for _ in range(2):  # a body that was cut short on its way comes whole the second time
            try:
                data = self._tried(lambda: self._objects.cat_file(path))
            except FileNotFoundError:
                cause = f"{self.url} does not have {blob}"
                hint = "whoever made it uploads it with `specrun push`; or --regenerate-lost asks (and pays) again"
                raise SharedStoreError(cause, hint, gone=True) from None
            if digest(data) == blob:
                return data
        cause = f"{self.url} holds something else in the place of {blob}; it was refused"
        hint = "whoever has the image replaces it with `specrun push`; or --regenerate-lost asks (and pays) again"
        raise SharedStoreError(cause, hint, gone=True)

    def ensure(self, blob: str, data: bytes) -> bool:
        """Put an image there unless it stands there whole; say whether it was put. Raises `SharedStoreError`."""
        path = self._path(blob)
        if self._stands(path, data):
            return False
        self._tried(lambda: self._objects.pipe_file(path, data))
        return True

    def has(self, blob: str) -> bool:
        """Say whether there is an object of this name, whatever it holds; raise `SharedStoreError`."""
        try:
            self._tried(lambda: self._objects.info(self._path(blob)))
        except FileNotFoundError:
            return False
        return True

    def _stands(self, path: str, data: bytes) -> bool:
        try:
            return _agrees(self._tried(lambda: self._objects.info(path)), data)
        except (FileNotFoundError, RefusedError):
            # Who may write but not list is refused where there is nothing.
            return False

    def _path(self, blob: str) -> str:
        name = blob.removeprefix("sha256:")
        return f"{self._root}/{name[:2]}/{name[2:]}"

    def _tried(self, work: Callable[[], T]) -> T:
        """Do `work`, again after a pause where it fails; a store that stays out of reach is soon given up on."""
        pauses = self._pauses if self._out_of_reach < _PATIENCE else ()
        for pause in (*pauses, None):
            try:
                found = work()
            except FileNotFoundError:
                self._count(0)
                raise
            except PermissionError as error:
                hint = "check the credentials in the environment, and what the bucket allows them"
                raise RefusedError(f"{self.url} refuses access: {_said(error)}", hint) from error
            except self._faults as error:
                if pause is None:
                    self._count(1)
                    hint = "check the network and the credentials, then try again"
                    raise SharedStoreError(f"{self.url} is out of reach: {_said(error)}", hint) from error
                time.sleep(pause)
            else:
                self._count(0)
                return found
        raise AssertionError("the last try returns or raises")

    def _count(self, more: int) -> None:
        with self._counting:
            self._out_of_reach = self._out_of_reach + 1 if more else 0


def _agrees(info: Mapping[str, Any], data: bytes) -> bool:
    """Say whether an object is `data`, as far as its service tells: by its size, and by its MD5 where it keeps one."""
    if info.get("size") != len(data):
        return False
    told = [md5 for md5 in _md5s(info) if md5]
    return not told or hashlib.md5(data, usedforsecurity=False).digest() in told


def _md5s(info: Mapping[str, Any]) -> list[bytes]:
    """Return the checksums that S3, Google Cloud Storage and Azure keep, each in its own way."""
    etag = str(info.get("ETag") or "").strip('"')
    settings = info.get("content_settings") or {}
    return [
        bytes.fromhex(etag) if len(etag) == 32 and "-" not in etag else b"",  # noqa: PLR2004 - an MD5 in hex
        base64.b64decode(info.get("md5Hash") or ""),
        bytes(settings.get("content_md5") or b""),
    ]


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text[:200] or type(error).__name__

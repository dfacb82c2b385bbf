"""Finished images, kept under unguessable names until they expire or room is needed."""

import errno
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from specrun.media_type import media_type

_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One image and the moment, in seconds since 1970, after which it is gone."""

    data: bytes = field(repr=False)
    media_type: str
    expires: float


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    size: int
    media_type: str
    expires: float
    data: bytes | None


class Results:
    """Keeps at most `limit` bytes, in memory or as files in `folder`; the oldest results go first."""

    def __init__(self, *, limit: int, ttl: float, folder: Path | None, now: Callable[[], float] = time.time) -> None:
        self._limit = limit
        self._ttl = ttl
        self._folder = folder
        self._now = now
        self._entries: dict[str, _Entry] = {}
        self._size = 0

    def put(self, data: bytes) -> str:
        """Keep an image and return its name."""
        kind = media_type(data) or "application/octet-stream"
        name = f"{secrets.token_urlsafe(24)}.{kind.partition('/')[2]}"
        if self._folder is not None:
            self._write(self._folder / name, data)
        self._entries[name] = _Entry(
            size=len(data),
            media_type=kind,
            expires=self._now() + self._ttl,
            data=data if self._folder is None else None,
        )
        self._size += len(data)
        self._make_room()
        return name

    def get(self, name: str) -> Result | None:
        """Return an image, None where it never was or is no more."""
        entry = self._entries.get(name)
        if entry is None:
            return None
        if entry.expires <= self._now():
            self._drop(name)
            return None
        data = entry.data
        if data is None and self._folder is not None:
            try:
                data = (self._folder / name).read_bytes()
            except FileNotFoundError:
                self._drop(name)
        return None if data is None else Result(data=data, media_type=entry.media_type, expires=entry.expires)

    def expire(self, name: str) -> None:
        """Let an image's time be over now."""
        if name in self._entries:
            self._drop(name)

    def _write(self, path: Path, data: bytes) -> None:
        """Write a file; where the disk is full, the oldest results make room."""
        while True:
            try:
                path.write_bytes(data)
            except OSError as error:
                path.unlink(missing_ok=True)
                if error.errno not in _FULL or not self._entries:
                    raise
                self._drop(next(iter(self._entries)))
            else:
                return

    def _make_room(self) -> None:
        now = self._now()
        while self._entries:
            oldest = next(iter(self._entries))
            if self._size <= self._limit and self._entries[oldest].expires > now:
                return
            self._drop(oldest)

    def _drop(self, name: str) -> None:
        entry = self._entries.pop(name)
        self._size -= entry.size
        if self._folder is not None:
            (self._folder / name).unlink(missing_ok=True)
